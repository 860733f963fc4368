"""The practical: high availability of web servers with HAProxy, in thirteen steps."""

NAME = "haproxy-student-list"
TITLES = {
    "en": "High availability of web servers with HAProxy",
    "fr": "Haute disponibilité de serveurs web avec HAProxy",
}
POINTS_MAX = 20.0  # a French mark; the checks' points must add up to it
