"""What labkit's quick checks ask, asked with stock pytest-testinfra. Read, not collected, here.

One test per check, named after it. A question that needs a container of its own (the image run
alone) starts one and removes it, as ours does. Kept to what a good author would write by hand.
"""

import json

import pytest
import testinfra
import yaml

PROJECT = "/srv/student-list"
PATH = "/pozos/api/v1.0/get_student_ages"
MACHINES = ("web1", "web2", "lb")
API = f"http://127.0.0.1:5999{PATH}"
GOOD, BAD = "-u toto:python", "-u toto:wrong"
LIST = "-d submit=list"


@pytest.fixture(scope="session")
def machines(request):
    inventory = json.loads(request.config.getoption("--inventory"))
    return {
        name: testinfra.get_host(url, ssh_config=config, controlpersist=600)
        for name, (url, config) in inventory.items()
    }


@pytest.fixture(scope="session")
def web1(machines):
    return machines["web1"]


@pytest.fixture(scope="session")
def web2(machines):
    return machines["web2"]


@pytest.fixture(scope="session")
def lb(machines):
    return machines["lb"]


# Steps 1 to 3: machines, Dockerfile, image.


def test_names(machines):
    for name, host in machines.items():
        assert host.check_output("hostname") == name


@pytest.mark.parametrize("name", MACHINES)
def test_hosts(machines, name):
    for other in MACHINES:
        if other != name:
            assert machines[name].addr(other).ipv4_addresses


def test_ping(machines):
    for name, host in machines.items():
        for other in MACHINES:
            if other != name:
                assert host.run("ping -q -c 1 -W 2 %s", other).succeeded


@pytest.mark.parametrize("name", MACHINES)
def test_docker(machines, name):
    docker = machines[name].service("docker")
    assert docker.is_running
    assert docker.is_enabled
    assert machines[name].run("docker compose version").succeeded


def test_dockerfile_present(web1):
    assert web1.file(f"{PROJECT}/simple_api/Dockerfile").is_file


@pytest.fixture(scope="session")
def built(web1):
    image = web1.check_output(f"docker build -q {PROJECT}/simple_api")
    return json.loads(web1.check_output("docker image inspect %s", image))[0]["Config"]


def test_dockerfile_builds(built):
    assert built


def test_dockerfile_exposes(built):
    assert "5000/tcp" in built["ExposedPorts"]


def test_dockerfile_volume(built):
    assert "/data" in built["Volumes"]


def test_dockerfile_command(built):
    assert "student_age.py" in " ".join([*(built["Entrypoint"] or []), *(built["Cmd"] or [])])


def test_build_image(web1):
    assert web1.run("docker image inspect student-age:1.0").succeeded


@pytest.fixture(scope="session")
def api(web1):
    web1.check_output("""echo '{"student_ages": {"zoe": "7"}}' > /tmp/asked.json""")
    web1.check_output("chmod a+r /tmp/asked.json")
    container = web1.check_output(
        "docker run -d -p 127.0.0.1:5999:5000"
        " -v /tmp/asked.json:/data/student_age.json:ro student-age:1.0"
    )
    web1.check_output(f"curl -s --retry 30 --retry-delay 1 --retry-all-errors -o /dev/null {API}")
    yield web1
    web1.check_output("docker rm -fv %s; rm /tmp/asked.json", container)


def test_build_runs(api):
    assert json.loads(api.check_output(f"curl -sf {GOOD} {API}"))["student_ages"]["zoe"] == "7"


def test_build_auth(api):
    for credentials in ("", BAD):
        code = f"curl -s -o /dev/null -w '%{{http_code}}' {credentials} {API}"
        assert api.run(code).stdout == "401"


# Steps 4 and 5: the stack on web1.


@pytest.fixture(scope="session")
def project(web1):
    return yaml.safe_load(web1.check_output(f"cd {PROJECT} && docker compose config"))


def test_compose_valid(web1):
    assert web1.run(f"cd {PROJECT} && docker compose config --quiet").succeeded


def test_compose_services(project):
    assert {"website", "api"} <= project["services"].keys()


def test_compose_credentials(project, api):
    given = project["services"]["website"]["environment"]
    user = f"{given['USERNAME']}:{given['PASSWORD']}"
    assert api.run("curl -sf -u %s %s", user, API).succeeded


def test_compose_volumes(web1, project):
    for service, target in (("website", "/var/www/html"), ("api", "/data/student_age.json")):
        volumes = {v["target"]: v["source"] for v in project["services"][service]["volumes"]}
        assert web1.file(volumes[target]).exists


def test_compose_network(project):
    services = project["services"]
    assert services["website"]["networks"].keys() & services["api"]["networks"].keys()


def test_compose_ports(project):
    ports = project["services"]["website"]["ports"]
    assert [p for p in ports if p["target"] == 80 and p["published"] == "80"]


def test_compose_harmless(project):
    for service in project["services"].values():
        assert not service.get("privileged")
        assert service.get("network_mode") != "host"
        for volume in service.get("volumes", []):
            assert volume["source"].startswith(PROJECT)


def test_deploy_running(web1):
    for name in ("student-list-website-1", "student-list-api-1"):
        assert web1.docker(name).is_running
    assert web1.run("curl -sf -o /dev/null http://web1/").succeeded


def test_deploy_restart(web1):
    for name in ("student-list-website-1", "student-list-api-1"):
        policy = web1.docker(name).inspect()["HostConfig"]["RestartPolicy"]["Name"]
        assert policy in ("always", "unless-stopped")


# Steps 6 and 7: the page.


def test_index_valid(web1):
    done = web1.run("docker exec student-list-website-1 php -l /var/www/html/index.php")
    assert done.succeeded


def test_index_service_name(web1):
    assert "http://api:5000" in web1.file(f"{PROJECT}/website/index.php").content_string


def test_index_reaches(web1):
    script = f"echo file_get_contents('http://toto:python@api:5000{PATH}');"
    said = web1.check_output("docker exec student-list-website-1 php -r %s", script)
    assert json.loads(said)["student_ages"]


def test_verify_form(web1):
    assert "<form" in web1.check_output("curl -sf http://web1/")


@pytest.fixture(scope="session")
def students(web1):
    return json.loads(web1.file(f"{PROJECT}/simple_api/student_age.json").content_string)


def shown(host, site, students):
    page = host.check_output(f"curl -sf {LIST} http://{site}/")
    return all(name in page for name in students["student_ages"])


def test_verify_list(web1, students):
    assert shown(web1, "web1", students)


# Steps 8 to 10: registry and second server.


@pytest.fixture(scope="session")
def curl_registry(web1):
    login = json.loads(web1.check_output("cat ~/.docker/config.json"))
    auth = login["auths"]["lb:5000"]["auth"]
    authority = "/etc/docker/certs.d/lb:5000/ca.crt"
    return f"curl -sf --cacert {authority} -H 'Authorization: Basic {auth}' https://lb:5000/v2"


def test_registry_answers(lb, web1, curl_registry):
    assert lb.socket("tcp://5000").is_listening
    assert web1.run(f"{curl_registry}/").succeeded


def test_registry_pushed(web1, curl_registry):
    assert "1.0" in json.loads(web1.check_output(f"{curl_registry}/student-age/tags/list"))["tags"]


def test_registry_pulled(web1):
    assert web1.run("docker pull -q lb:5000/student-age:1.0").succeeded


def test_registry_private(web1):
    code = "curl -sk -o /dev/null -w '%{http_code}' https://lb:5000/v2/"
    assert web1.run(code).stdout == "401"


def test_registry_ui_page(lb):
    assert lb.socket("tcp://8080").is_listening
    assert lb.run("curl -sf -o /dev/null http://lb:8080/").succeeded


def test_registry_ui_shows(web1, curl_registry):
    through_page = curl_registry.replace("https://lb:5000", "http://lb:8080")
    assert "student-age" in web1.check_output(f"{through_page}/_catalog")


def test_second_server_lists(web2, students):
    assert shown(web2, "web2", students)


def test_second_server_image(web2):
    image = web2.docker("student-list-api-1").inspect()["Config"]["Image"]
    assert image.startswith("lb:5000/")


# Steps 11 to 13: the balancer.


def counters(lb):
    script = "import socket;s=socket.socket(1);s.connect('/var/lib/haproxy/stats')"
    script += ";s.send(b'show stat\\n');print(s.makefile().read())"
    with lb.sudo():
        rows = [row.split(",") for row in lb.check_output("python3 -c %s", script).splitlines()]
    head = rows[0]
    head[0] = head[0].removeprefix("# ")
    found = [dict(zip(head, row, strict=False)) for row in rows[1:] if len(row) > 10]
    return {r["svname"]: r for r in found if r["pxname"] == "my-backend"}


def test_haproxy_runs(lb):
    with lb.sudo():
        assert lb.run("haproxy -c -f /etc/haproxy/haproxy.cfg").succeeded
    assert lb.service("haproxy").is_running
    assert lb.service("haproxy").is_enabled


def test_haproxy_backend(lb):
    assert {"web1", "web2"} <= counters(lb).keys()


def test_haproxy_checked(lb):
    servers = counters(lb)
    assert servers["web1"]["check_status"]
    assert servers["web2"]["check_status"]


def test_haproxy_serves(lb, students):
    before = int(counters(lb)["BACKEND"]["stot"])
    assert shown(lb, "lb", students)
    assert int(counters(lb)["BACKEND"]["stot"]) > before


def test_haproxy_balances(lb):
    before = counters(lb)
    lb.check_output("for i in $(seq 20); do curl -sf -o /dev/null http://lb/ || exit 1; done")
    after = counters(lb)
    for server in ("web1", "web2"):
        assert int(after[server]["stot"]) - int(before[server]["stot"]) == 10


def test_haproxy_logged(lb):
    lb.check_output("curl -s -o /dev/null http://lb/?asked-by-testinfra")
    with lb.sudo():
        # rsyslog writes within a moment
        assert lb.run(
            "for i in $(seq 30); do grep -q asked-by-testinfra /var/log/haproxy.log && exit 0;"
            " sleep 0.1; done; exit 1"
        ).succeeded


def test_stats_page(lb):
    assert lb.socket("tcp://8404").is_listening
    assert "my-backend" in lb.check_output("curl -sfL http://lb:8404/")


def test_stats_refresh(lb):
    assert 'content="10"' in lb.check_output("curl -sfL http://lb:8404/")


def test_failover_in_rotation(lb):
    servers = counters(lb)
    assert servers["web1"]["status"].startswith("UP")
    assert servers["web2"]["status"].startswith("UP")
