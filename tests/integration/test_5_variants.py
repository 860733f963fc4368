"""Right answers that differ from the reference: other names, places, ports and spellings pass."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from labkit.course import Verdict, load_course
from labkit.grading import GradeResult
from tests.fakes.by_hand import BUILD, PULL, PUSH, UP
from tests.integration.conftest import Cli, measured

COMPOSE = """\
version: "3.8"\r
services:\r
  Mon_Site:\r
    container_name: site.tp\r
    image: php:8-apache\r
    ports:\r
      - 8000:80\r
    environment:\r
      - USERNAME=${API_USER}\r
      - PASSWORD=${API_PASS}\r
    volumes:\r
      - ./website/:/var/www/html/\r
    depends_on: [api_etudiants]\r
    restart: always\r
  api_etudiants:\r
    build: ./simple_api\r
    image: student_age\r
    ports:\r
      - "5000:5000"\r
    volumes:\r
      - ./donnees:/data\r
    restart: always\r
"""
DOCKERFILE = """\
FROM python:3.9
LABEL maintainer="somebody"
ADD . /app/
WORKDIR /app
RUN pip3 install -r requirements.txt
VOLUME ["/data"]
EXPOSE 5000/tcp
ENTRYPOINT ["python3"]
CMD ["./student_age.py"]
"""
HAPROXY = """\
global
    log 127.0.0.1 local2
    stats socket /run/haproxy/admin.sock mode 600 level admin
defaults
    mode http
    log global
    option httplog
    timeout connect 10s
    timeout client 1m
    timeout server 1m
frontend http_front
    bind 0.0.0.0:80
    use_backend my-backend if { path_beg / }
backend my-backend
    balance roundrobin
    option httpchk GET /
    default-server check inter 3s
    server premier {web1}:8000
    server second web2:80
listen statistiques
    bind *:9000
    stats enable
    stats uri /haproxy?stats
    stats refresh 10s
    stats auth admin:secret
"""
HOME = "/home/student/TP-haproxy"


@pytest.fixture
def variant(done: Cli, exec_on: Callable[[str, str], str]) -> Iterator[None]:
    """web1 and lb as another student might have done them; the reference again afterwards."""
    exec_on(
        "web1",
        "cd /srv/student-list && docker compose down 2>&1; mv /srv/student-list /root/kept;"
        f" mkdir -p {HOME}/donnees && cp -r /root/kept/simple_api /root/kept/website {HOME}/;"
        f' cd {HOME}; echo \'{{"zoé": "22", "d’Artagnan": "19"}}\' > donnees/student_age.json;'
        " printf 'API_USER=toto\\nAPI_PASS=python\\n' > .env;"
        " sed -i 's#http://api:5000#http://api_etudiants:5000#' website/index.php;"
        f" cat > simple_api/Dockerfile <<'EOF'\n{DOCKERFILE}EOF\n"
        f" cat > docker-compose.yaml <<'EOF'\n{COMPOSE}EOF\n"
        " docker image rm -f student-age:1.0 lb:5000/student-age:1.0;"
        " docker compose up -d --build 2>&1 || docker compose up -d 2>&1;"
        " firewall-cmd -q --add-port=8000/tcp; firewall-cmd -q --permanent --add-port=8000/tcp;"
        " su student -c 'docker tag student_age lb:5000/tp/student_age:v1;"
        " docker push -q lb:5000/tp/student_age:v1'",
    )
    exec_on(
        "web2",
        "cd /srv/student-list; cp .env /root/.env;"
        " echo STUDENT_AGE_IMAGE=lb:5000/tp/student_age:v1 > .env;"
        " su student -c 'docker compose pull -q 2>&1';"
        " docker compose up -d 2>&1 || docker compose up -d 2>&1",
    )
    address = exec_on("lb", "getent hosts web1").split()[0]
    exec_on(
        "lb",
        "cp /etc/haproxy/haproxy.cfg /root/kept.cfg; mkdir -p /run/haproxy;"
        f" cat > /etc/haproxy/haproxy.cfg <<'EOF'\n{HAPROXY.replace('{web1}', address)}EOF\n"
        " firewall-cmd -q --add-port=9000/tcp; systemctl reload haproxy; sleep 1",
    )
    yield
    exec_on("lb", "cat /root/kept.cfg > /etc/haproxy/haproxy.cfg; systemctl reload haproxy")
    exec_on("web1", f"cd {HOME} && docker compose down --rmi local 2>&1; rm -rf {HOME};"
                    " docker image rm -f student_age lb:5000/tp/student_age:v1;"
                    " mv /root/kept /srv/student-list")  # fmt: skip
    exec_on("web1", f"{BUILD}; {PUSH}; {UP}")
    exec_on("web2", f"cd /srv/student-list; cp /root/.env .env; {PULL}")
    done("step", "all")


@pytest.mark.usefixtures("variant")
def test_another_right_answer_gets_every_point(done: Cli, found: Callable[[], GradeResult]) -> None:
    """Other places, names, ports, base images, line ends, students, server names: all passes."""
    result = found()
    assert {check.id: f"{check.verdict}: {check.message} {check.where}"
            for check in result.checks if check.verdict is not Verdict.PASSED} == {}  # fmt: skip
    for drill in load_course().drills:
        if drill.step != "failover" or drill.name == "kill":
            measured(done, "drill", drill.name)
