"""Building releases: reproducible, complete, verified, and never replaced."""

import json
import shutil

import pytest

from fleet import release
from fleet.errors import FleetError
from fleet.release import manifest
from tests.unit.packages import locked, write_sdist, write_source, write_wheel

SETUP = "from setuptools import setup\nsetup(name='{name}', version='{version}', py_modules=['{name}'])\n"
SETUP_COMPILED = """
from setuptools import Distribution, setup
class Compiled(Distribution):
    def has_ext_modules(self): return True
setup(name='{name}', version='{version}', py_modules=['{name}'], distclass=Compiled)
"""


def tree(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


class World:
    """A service and the chassis, with an index of two packages, one of which exists as source only."""

    def __init__(self, root):
        self.root = root
        self.index, self.source, self.chassis = root / "index", root / "greeting", root / "chassis"
        self.releases, self.cache = root / "releases", root / "cache"
        self.folder = self.releases / "greeting-1.0.0"

    def write(self):
        self.index.mkdir()
        lock = locked(write_wheel(self.index, "helper"), write_sdist(self.index, "sourced", SETUP))
        write_source(self.source, "fleet-greeting", "greeting", ["fleet-chassis", "sourced"], lock)
        write_source(self.chassis, "fleet-chassis", "chassis", ["helper"])

    def build(self, service="greeting", **changes):
        places = {"source": self.source, "chassis": self.chassis, "releases": self.releases, "cache": self.cache}
        places |= changes
        return release.build(service, places.pop("source"), **places)


def use_index(monkeypatch, folder):
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    world = World(tmp_path_factory.mktemp("original"))
    world.write()
    with pytest.MonkeyPatch.context() as monkeypatch:
        use_index(monkeypatch, world.index)
        assert world.build().new
    return world


@pytest.fixture
def world(original, tmp_path, monkeypatch):
    """A world of the test's own, where greeting 1.0.0 is built."""
    world = World(shutil.copytree(original.root, tmp_path / "world"))
    use_index(monkeypatch, world.index)
    return world


def refusal(function, *arguments, **keywords):
    with pytest.raises(FleetError) as refused:
        function(*arguments, **keywords)
    return str(refused.value)


def test_a_release_has_every_wheel_and_describes_itself(world):
    assert sorted(path.name for path in world.folder.iterdir()) == [
        "contract.json",
        "manifest.json",
        "requirements.txt",
        "wheels",
    ]
    wheels = [path.name for path in sorted((world.folder / "wheels").iterdir())]
    assert wheels == [
        "fleet_chassis-1.0.0-py3-none-any.whl",
        "fleet_greeting-1.0.0-py3-none-any.whl",
        "helper-1.0-py3-none-any.whl",
        "sourced-1.0-py3-none-any.whl",
    ]
    described = manifest.read(world.folder)
    assert [wheel["file"] for wheel in described["wheels"]] == wheels
    assert {key: described[key] for key in ("service", "release", "python", "platform", "module")} == {
        "service": "greeting",
        "release": "1.0.0",
        "python": "3.13",
        "platform": "x86_64",
        "module": "greeting.service",
    }
    assert release.verify(world.folder) == []
    assert release.built(world.releases) == {"greeting": ["1.0.0"]}


def test_the_same_source_gives_the_same_bytes(world, tmp_path, monkeypatch):
    # Another checkout, another day, another user's habits, nothing cached.
    elsewhere = shutil.copytree(world.source, tmp_path / "elsewhere", copy_function=shutil.copyfile)
    (elsewhere / "src" / "greeting" / "__init__.py").chmod(0o755)
    (elsewhere / "src" / "greeting" / "__pycache__").mkdir()
    (elsewhere / "src" / "greeting" / "__pycache__" / "service.pyc").write_bytes(b"x")
    (elsewhere / ".gitignore").write_text("service.py\n")
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")

    second = world.build(source=elsewhere, releases=tmp_path / "others", cache=tmp_path / "empty").folder

    assert tree(second) == tree(world.folder)


def test_a_release_carries_its_contract(world):
    contract = json.loads((world.folder / "contract.json").read_text())

    assert (contract["service"], contract["methods"]) == ("x", {})


def test_a_release_from_before_there_were_contracts_is_whole_without(world):
    without_contract(world.folder)

    assert release.verify(world.folder) == []
    assert not world.build().new


def without_contract(folder):
    (folder / "contract.json").unlink()
    described = manifest.read(folder)
    del described["contract_sha256"]
    (folder / "manifest.json").write_text(json.dumps(described))


def test_a_contract_that_the_manifest_does_not_know_is_none(world):
    text = (world.folder / "contract.json").read_text()
    without_contract(world.folder)
    (world.folder / "contract.json").write_text(text)

    assert release.verify(world.folder) == ["contract.json is not in the manifest"]


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("def", "src/greeting/service.py, line 1 can't be read as Python ("),
        ("x = 1", 'src/greeting/service.py has no service: it needs a class with name = "..._service".'),
    ],
)
def test_a_source_whose_contract_cannot_be_read_gets_no_release(world, code, said):
    shutil.rmtree(world.releases)
    (world.source / "src" / "greeting" / "service.py").write_text(code)

    assert refusal(world.build).startswith(said)
    assert release.built(world.releases) == {}


def test_an_unchanged_source_is_not_built_again(world):
    before = {path: path.stat().st_mtime_ns for path in world.folder.rglob("*")}

    built = world.build()

    assert (built.folder, built.new) == (world.folder, False)
    assert {path: path.stat().st_mtime_ns for path in world.folder.rglob("*")} == before


@pytest.mark.parametrize(
    "changed", ["source/src/greeting/service.py", "source/requirements.lock", "chassis/src/chassis/new.py"]
)
def test_another_source_of_the_same_version_is_refused(world, changed):
    before = tree(world.folder)
    part, _, path = changed.partition("/")
    with (getattr(world, part) / path).open("a") as file:
        file.write("# changed\n")

    message = refusal(world.build)

    assert "is built already, from another source" in message
    assert f"raise the version in {world.source}/pyproject.toml" in message
    assert f"`rm -r {world.folder}`" in message
    assert tree(world.folder) == before


def test_what_does_not_go_into_a_release_may_change(world):
    (world.source / "tests").mkdir()
    (world.source / "tests" / "test_greeting.py").write_text("")

    assert not world.build().new


def test_another_version_stands_beside_the_first(world):
    before = tree(world.folder)
    pyproject = world.source / "pyproject.toml"
    pyproject.write_text(pyproject.read_text().replace("1.0.0", "1.10.0"))
    world.build()
    pyproject.write_text(pyproject.read_text().replace("1.10.0", "1.9.0"))
    world.build()

    assert release.built(world.releases) == {"greeting": ["1.0.0", "1.9.0", "1.10.0"]}
    assert tree(world.folder) == before


def test_an_interrupted_build_leaves_no_release(world, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    shutil.rmtree(world.releases)
    monkeypatch.setattr(manifest, "write", interrupt)
    with pytest.raises(KeyboardInterrupt):
        world.build()

    assert release.built(world.releases) == {}
    assert list(world.releases.glob("[!.]*")) == []


def test_the_remains_of_a_killed_build_are_no_release_and_go_with_the_next(world):
    left = world.releases / ".unfinished-abc"
    shutil.copytree(world.folder, left)
    shutil.rmtree(world.folder)

    assert release.built(world.releases) == {}
    assert world.build().new
    assert not left.exists()


def test_a_second_service_needs_no_index(world, tmp_path):
    shutil.rmtree(world.index)
    lock = (world.source / "requirements.lock").read_text()
    other = write_source(tmp_path / "airports", "airports", "airports", ["fleet-chassis", "sourced"], lock)

    built = world.build("airports", source=other)

    assert release.verify(built.folder) == []


def test_a_damaged_file_in_the_cache_is_fetched_again(world, tmp_path):
    for path in world.cache.rglob("*.whl"):
        path.write_bytes(b"damaged")

    second = world.build(releases=tmp_path / "others").folder

    assert tree(second) == tree(world.folder)


def test_a_file_with_another_hash_than_the_lock_is_refused(world):
    shutil.rmtree(world.releases)
    lock = world.source / "requirements.lock"
    lock.write_text(lock.read_text().replace("sha256:", f"sha256:{'0' * 64} #", 1).replace(" #", "\n#"))

    message = refusal(world.build)

    assert message.startswith("Downloading helper failed: ")
    assert "DO NOT MATCH THE HASHES" in message
    assert release.built(world.releases) == {}


def test_a_lock_that_lacks_a_dependency_is_refused(world):
    shutil.rmtree(world.releases)
    pyproject = world.source / "pyproject.toml"
    pyproject.write_text(pyproject.read_text().replace("'sourced'", "'sourced', 'forgotten'"))

    message = refusal(world.build)

    assert f"{world.source}/requirements.lock doesn't fit what the service and the chassis depend on" in message
    assert "forgotten" in message
    assert release.built(world.releases) == {}


def test_a_source_that_needs_a_compiler_is_refused(world):
    shutil.rmtree(world.releases)
    archive = write_sdist(world.index, "compiled", SETUP_COMPILED)
    with (world.source / "requirements.lock").open("a") as lock:
        lock.write(locked(archive))

    assert "compiled 1.0 exists as source only and needs a compiler" in refusal(world.build)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            'version = "1.0.0"',
            'version = "1.0.0.dev1"',
            "has the version '1.0.0.dev1' under [project]: write an exact one",
        ),
        ('version = "1.0.0"', "", "has the version None under [project]"),
        ('name = "fleet-greeting"', 'name = "fleet-airports"', "is the source of fleet-airports, not of greeting"),
        ('name = "fleet-greeting"', "", "needs the service's name"),
        ('module = "greeting.service"', "", 'write module = "greeting.service" under [tool.fleet]'),
        (
            "greeting.service",
            "greeting.main",
            "names the module greeting.main under [tool.fleet], but there is no src/greeting/",
        ),
        ("[project]", "[project", "can't be read as TOML"),
        ('backend = "hatchling.build"', 'backend = "nothing"', "Building the wheel of"),
    ],
)
def test_a_source_that_cannot_be_built_is_told_what_to_write(world, old, new, said):
    shutil.rmtree(world.releases)
    pyproject = world.source / "pyproject.toml"
    assert old in pyproject.read_text()
    pyproject.write_text(pyproject.read_text().replace(old, new))

    assert said in refusal(world.build)
    assert release.built(world.releases) == {}


def test_a_folder_that_is_no_source_is_named(world, tmp_path):
    assert refusal(world.build, source=tmp_path / "nowhere").endswith(
        "nowhere is no source of a service: it has no pyproject.toml."
    )


def test_a_missing_lock_is_named(world):
    shutil.rmtree(world.releases)
    (world.source / "requirements.lock").unlink()

    assert "requirements.lock is missing: `make lock` writes it" in refusal(world.build)


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda wheel: wheel.unlink(), "wheel helper-1.0-py3-none-any.whl is missing"),
        (lambda wheel: wheel.write_bytes(b"x"), "wheel helper-1.0-py3-none-any.whl is corrupt"),
        (lambda wheel: wheel.with_name("more.whl").write_bytes(b""), "wheel more.whl is not in the manifest"),
        (lambda wheel: (wheel.parents[1] / "contract.json").unlink(), "contract.json is missing"),
        (lambda wheel: (wheel.parents[1] / "contract.json").write_text("{}"), "contract.json is corrupt"),
        (lambda wheel: (wheel.parents[1] / "manifest.json").unlink(), "manifest.json is missing"),
        (lambda wheel: (wheel.parents[1] / "manifest.json").write_text("{"), "manifest.json is corrupt"),
        (lambda wheel: (wheel.parents[1] / "manifest.json").write_text("[]"), "manifest.json is corrupt"),
        (
            lambda wheel: (wheel.parents[1] / "requirements.txt").write_text("helper"),
            "requirements.txt is not what the",
        ),
        (
            lambda wheel: (wheel.parents[1] / "requirements.txt").unlink(),
            "requirements.txt is not what the manifest says",
        ),
    ],
)
def test_damage_is_found_told_and_not_built_over(world, damage, said):
    damage(world.folder / "wheels" / "helper-1.0-py3-none-any.whl")

    (problem,) = release.verify(world.folder)

    assert problem.startswith(said)
    message = refusal(world.build)
    assert "is damaged" in message
    assert f"`rm -r {world.folder}`" in message


def test_a_release_under_another_name_is_found(world):
    renamed = world.folder.rename(world.folder.with_name("greeting-2.0.0"))

    assert release.verify(renamed) == ["manifest.json is of greeting 1.0.0"]
