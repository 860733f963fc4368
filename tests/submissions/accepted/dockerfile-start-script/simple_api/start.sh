#!/bin/sh
# Attendre un peu les données, puis laisser la place à l'API
for essai in 1 2 3; do
    [ -r /data/student_age.json ] && break
    echo "pas encore de données ($essai)"
    sleep 1
done
exec "$@"
