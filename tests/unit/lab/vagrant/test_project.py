"""The Vagrantfile itself: run by Ruby, validated by a real Vagrant where there is one."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from labkit.course import Blueprint, MachineSpec, find_blueprint
from labkit.lab.common import address
from labkit.lab.vagrant.engine import Engine
from labkit.lab.vagrant.explain import explained
from labkit.lab.vagrant.network import POOL, parse_subnet
from labkit.lab.vagrant.project import Project, find_vagrantfile, with_settings

needs_ruby = pytest.mark.skipif(not shutil.which("ruby"), reason="ruby is not installed")
needs_vagrant = pytest.mark.skipif(not shutil.which("vagrant"), reason="vagrant is not installed")

# Stands in for Vagrant's configuration objects: notes every assignment and call by its path.
RECORDER = """\
require "json"
$notes = {}
class Note
  def initialize(path) = @path = path
  def to_ary = nil
  def []=(key, value)
    $notes["#{@path}.#{key}"] = value
  end
  def provider(kind) = yield(Note.new("#{@path}.#{kind}"))
  def define(name, **options)
    $notes["define.#{name}"] = options
    yield Note.new(name)
  end
  def method_missing(word, *values, **options)
    if word.end_with?("=")
      $notes["#{@path}.#{word.to_s.chomp("=")}"] = values.first
    elsif values.any?
      $notes["#{@path}.#{word}.#{values.first}"] = options
    else
      Note.new("#{@path}.#{word}")
    end
  end
  def respond_to_missing?(*) = true
end
module Vagrant
  def self.require_version(*) = nil
  def self.configure(_) = yield(Note.new("all"))
end
load ARGV.first
puts JSON.generate($notes)
"""


def notes(folder: Path, **environment: str) -> dict[str, Any]:
    """What the Vagrantfile configures in this environment, by path."""
    recorder = folder / "recorder.rb"
    recorder.write_text(RECORDER)
    clean = {name: value for name, value in os.environ.items() if not name.startswith("LABKIT_")}
    done = subprocess.run(
        ["ruby", str(recorder), str(find_vagrantfile())],
        env={**clean, **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@needs_ruby
def test_three_machines_at_the_addresses_that_labkit_expects(tmp_path: Path) -> None:
    found = notes(tmp_path)
    subnet = parse_subnet("192.168.56.0/24")
    assert subnet.subnet_of(POOL)
    for one in find_blueprint().machines:
        network = found[f"{one.name}.vm.network.private_network"]
        assert network["ip"] == address(subnet, one.address)
        assert found[f"{one.name}.vm.virtualbox.memory"] == one.memory
        assert found[f"{one.name}.vm.libvirt.memory"] == one.memory
    assert [name for name in found if name.startswith("define.")] == [
        f"define.{name}" for name in find_blueprint().names
    ]


@needs_ruby
def test_the_defaults(tmp_path: Path) -> None:
    found = notes(tmp_path)
    assert found["all.vm.box"] == "bento/rockylinux-9"
    assert found["all.vm.box_version"]
    assert found["all.vm.synced_folder.."] == {"disabled": True}
    assert found["all.vm.virtualbox.check_guest_additions"] is False
    assert found["all.vm.boot_timeout"] >= 600
    assert found["web1.vm.network.private_network"]["auto_config"] is True
    assert not any(path.endswith("hostname") for path in found)  # that is step 1
    assert not any("provision" in path for path in found)
    assert found["all.vm.virtualbox.cpus"] == found["all.vm.libvirt.cpus"] == 1
    assert "all.vm.box_url" not in found
    assert "all.vm.libvirt.driver" not in found
    assert "web1.vm.virtualbox.name" not in found


@needs_ruby
def test_everything_can_be_changed_from_the_environment(tmp_path: Path) -> None:
    found = notes(
        tmp_path,
        LABKIT_BOX="mine/box",
        LABKIT_SUBNET="10.88.0.0/24",
        LABKIT_BOX_URL="/tmp/my.box",
        LABKIT_MEMORY="2048",
        LABKIT_CPUS="2",
        LABKIT_AUTO_CONFIG="0",
        LABKIT_LIBVIRT_DRIVER="qemu",
        LABKIT_LAB="demo",
    )
    network = found["lb.vm.network.private_network"]
    assert found["all.vm.box"] == "mine/box"
    assert "all.vm.box_version" not in found  # the pinned version is another box's
    assert found["all.vm.box_url"] == "/tmp/my.box"
    assert network["ip"] == "10.88.0.10"
    assert network["auto_config"] is False
    assert network["libvirt__network_name"] == "labkit-demo"
    assert found["lb.vm.libvirt.memory"] == found["web1.vm.virtualbox.memory"] == 2048
    assert found["all.vm.libvirt.cpus"] == found["all.vm.virtualbox.cpus"] == 2
    assert found["all.vm.libvirt.driver"] == "qemu"
    assert found["all.vm.libvirt.default_prefix"] == "labkit-demo-"
    assert found["lb.vm.virtualbox.name"] == "labkit-demo-lb"
    assert notes(tmp_path, LABKIT_BOX_VERSION="1.2")["all.vm.box_version"] == "1.2"


@needs_ruby
def test_another_list_is_other_machines(tmp_path: Path) -> None:
    """labkit's copy has the list at its head; any number of machines, with a memory each."""
    specs = tuple(MachineSpec(f"m{n}", "any", 20 + n, memory=512 + n) for n in range(5))
    found = notes(tmp_path, LABKIT_MACHINES=Blueprint(specs).described)
    assert [name for name in found if name.startswith("define.")] == [
        f"define.m{number}" for number in range(5)
    ]
    assert found["define.m0"] == {"primary": True}
    assert found["m4.vm.libvirt.memory"] == 516
    assert found["m4.vm.network.private_network"]["ip"] == "192.168.56.24"


@needs_vagrant
@pytest.mark.parametrize("settings", [{}, {"LABKIT_LAB": "it's", "LABKIT_MEMORY": "512"}])
def test_a_real_vagrant_finds_it_valid(tmp_path: Path, settings: dict[str, str]) -> None:
    machines = {"LABKIT_MACHINES": find_blueprint().described}  # which labkit always writes
    original = find_vagrantfile().read_text(encoding="utf-8")
    copy = with_settings(original, {**machines, **settings})
    (tmp_path / "Vagrantfile").write_text(copy, encoding="utf-8")
    done = subprocess.run(
        ["vagrant", "validate", "--ignore-provider"],
        cwd=tmp_path,
        env={**os.environ, "VAGRANT_HOME": str(tmp_path / "home"), "VAGRANT_NO_COLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "validated successfully" in done.stdout


@needs_vagrant
def test_a_real_vagrant_is_understood(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("VAGRANT_HOME", str(tmp_path / "home"))
    project = Project("real")
    project.prepare({})
    engine = Engine(project)
    assert engine.version().startswith("Vagrant 2.")
    if "No usable default provider" in engine.ask("status", "--machine-readable"):
        pytest.skip("this Vagrant has no provider: install VirtualBox or vagrant-libvirt")
    assert {name: state.state for name, state in engine.states().items()} == dict.fromkeys(
        find_blueprint().names, "not_created"
    )
    assert project.created() == []


def catalogue() -> dict[str, Any]:
    """The sentences of the Vagrant that is installed here, or skip."""
    roots = ("/usr/share/rubygems-integration/all/gems", "/opt/vagrant/embedded/gems/gems")
    for root in roots:
        for file in Path(root).glob("vagrant-[0-9]*/templates/locales/en.yml"):
            found: dict[str, Any] = yaml.safe_load(file.read_text(encoding="utf-8"))
            return found["en"]["vagrant"]  # type: ignore[no-any-return]
    pytest.skip("no catalogue of Vagrant's sentences here (vagrant is not installed)")


@pytest.mark.parametrize(
    "key",
    [
        "errors.no_default_provider",
        "errors.box_add_no_matching_provider",
        "errors.box_add_short_not_found",
        "errors.box_not_found_with_provider_and_version",
        "errors.downloader_error",
        "errors.boot_timeout",
        "errors.machine_action_locked",
        "errors.machine_locked",
        "errors.environment_locked",
        "errors.virtualbox_kernel_module_not_loaded",
        "errors.virtualbox_invalid_host_subnet",
        "actions.vm.host_only_network.collides",
    ],
)
def test_vagrants_own_sentences_are_recognised(key: str) -> None:
    said = catalogue()
    for part in key.split("."):
        said = said[part]
    text = str(said).replace("%{address}", "10.88.0.11")
    assert not explained(text, "starting", Path("/log")).what.startswith("Vagrant failed")
