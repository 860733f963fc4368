#!/bin/sh
# On web1, when both run.
set -e
docker compose build
for image in student-age:1.0 tp/vitrine:1.0; do
    case $image in
        tp/*) docker tag student-list-vitrine "lb:5000/$image" ;;
        *) docker tag "$image" "lb:5000/$image" ;;
    esac
    docker push "lb:5000/$image"
done
