#!/bin/sh
# Writes what the page and nginx must know from the environment, then runs the command.
set -eu

: "${NGINX_PROXY_PASS_URL:=}" "${REGISTRY_URL:=}" "${DELETE_IMAGES:=false}"
: "${SINGLE_REGISTRY:=true}" "${NGINX_LISTEN_PORT:=80}" "${REGISTRY_TITLE:=Docker Registry UI}"
# The static form of version 1 knew no other variable.
if [ -z "$NGINX_PROXY_PASS_URL" ] && [ "${PASS_ON_TO_REGISTRY_URL:-}" = true ]; then
    NGINX_PROXY_PASS_URL=$REGISTRY_URL
    REGISTRY_URL=
fi

quoted() { # TEXT: as a JSON string
    printf '"%s"' "$(printf %s "$1" | tr -d '\n\r' | sed 's/[\\"]/\\&/g')"
}

is_in_hosts() { # NAME
    awk -v name="$1" '{ for (i = 2; i <= NF; i++) if ($i == name) found = 1 }
                      END { exit !found }' /etc/hosts
}

headers() { # prints what nginx tells the registry, by the environment or a mounted file
    { env; cat /etc/nginx/.env 2>/dev/null || true; } | while IFS= read -r line; do
        name=${line%%=*}
        case "$name" in
            NGINX_PROXY_HEADER_?*)
                name=$(printf %s "${name#NGINX_PROXY_HEADER_}" | tr _ -)
                value=$(printf %s "${line#*=}" | sed 's/[\\"]/\\&/g')
                printf '    proxy_set_header %s "%s";\n' "$name" "$value" ;;
        esac
    done
}

proxy() { # prints the part of nginx's configuration that reaches the registry
    url=$NGINX_PROXY_PASS_URL
    # As nginx has it (proxy_pass): a path of the address, "/" as well, stands in the place of /v2.
    registry=$(printf %s "$url" | sed -E 's#^([a-z]+://[^/]*).*#\1#')
    path=${url#"$registry"}
    place=/v2
    host=$(printf %s "$url" | sed -E 's#^[a-z]+://##; s#[:/].*##')
    nameserver=$(awk '$1 == "nameserver" { print $2; exit }' /etc/resolv.conf)
    case "$nameserver" in *:*) nameserver="[$nameserver]" ;; esac
    if [ -z "$nameserver" ] || is_in_hosts "$host"; then
        # nginx's resolver does not read /etc/hosts (extra_hosts): the name is looked up once.
        target="$url"
    else
        # Looked up again while it runs: the page starts before the registry, and outlives it.
        echo "resolver $nameserver valid=5s ipv6=off;"
        echo "set \$registry $registry;"
        target='$registry$request_uri'
        if [ -n "$path" ]; then
            place='~ ^/v2(?<rest>.*)'
            target="\$registry$path\$rest\$is_args\$args"
        fi
    fi
    cat <<END
location $place {
    proxy_pass $target;
$(headers)
    proxy_set_header Host \$http_host;
    proxy_set_header X-Forwarded-Proto \$scheme;
    proxy_ssl_server_name on;
    proxy_ssl_verify off;
    proxy_connect_timeout 3s;
    proxy_read_timeout 30s;
    client_max_body_size 0;
}
END
}

cat >/etc/nginx/conf.d/labkit.conf <<END
server {
    listen $NGINX_LISTEN_PORT default_server;
    root /usr/share/nginx/html;
    location = /config.json { add_header Cache-Control no-store; }
    $([ -z "$NGINX_PROXY_PASS_URL" ] || proxy)
}
END
# The visitor's browser asks this address where it is set, whatever nginx would pass on.
cat >/usr/share/nginx/html/config.json <<END
{"title": $(quoted "$REGISTRY_TITLE"), "registry": $(quoted "${REGISTRY_URL%/}"),
 "delete": $(quoted "$DELETE_IMAGES"), "single": $(quoted "$SINGLE_REGISTRY")}
END
exec "$@"
