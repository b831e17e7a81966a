r"""Fetch the broker's jars: by Maven with the user's own settings if it is installed, else by jgo.

Only a jar with the sha256 in jars.lock is used. The lock is sha256sum's format over a Maven
repository's layout, and is made anew after a change of pom.xml by:

    mvn -q -B -ntp -f pom.xml org.apache.maven.plugins:maven-dependency-plugin:3.11.0:copy-dependencies \
        -DincludeScope=runtime -Dmdep.useRepositoryLayout=true -DoutputDirectory=/tmp/jars
    (cd /tmp/jars && find * -name '*.jar' | LC_ALL=C sort | xargs sha256sum) > jars.lock
"""

import hashlib
import shutil
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from scripts.servers.processes import run_with_parent

HERE = Path(__file__).parent
LOCK = HERE / "jars.lock"
COPY_GOAL = "org.apache.maven.plugins:maven-dependency-plugin:3.11.0:copy-dependencies"


def locked_jars() -> dict[str, str]:
    """Path → sha256 of each jar, in the lock's order."""
    return {path: digest for digest, path in map(str.split, LOCK.read_text().splitlines())}


def fetch_jars(target: Path, say: Callable[[str], None]) -> None:
    """Put all locked jars under `target`. Raises RuntimeError if one has another sha256."""
    target.mkdir()
    if not (shutil.which("mvn") and _fetch_with_maven(target, say)):
        _fetch_with_jgo(locked_jars(), target)
    for path, digest in locked_jars().items():
        if not _has_digest(target / path, digest):
            raise RuntimeError(f"{path} is not the jar whose sha256 stands in {LOCK.name}")


def _fetch_with_maven(target: Path, say: Callable[[str], None]) -> bool:
    """Fetch with Maven; False if that fails, since an old or misconfigured one should stop nobody."""
    options = ["-DincludeScope=runtime", "-Dmdep.useRepositoryLayout=true", f"-DoutputDirectory={target}"]
    command: list[str | Path] = ["mvn", "-q", "-B", "-ntp", "-f", HERE / "pom.xml", COPY_GOAL, *options]
    try:
        run_with_parent(command, target.with_name("maven.log"))
    except RuntimeError as error:
        say(f"fetching the jars without Maven: {error}")
        return False
    return True


def _fetch_with_jgo(paths: Iterable[str], target: Path) -> None:
    """Fetch without Maven. `central = URL` under [repositories] in ~/.config/jgo.conf names a mirror."""
    from jgo.config import GlobalSettings
    from jgo.constants import MAVEN_CENTRAL_URL
    from jgo.maven import MavenContext

    repositories = {"central": MAVEN_CENTRAL_URL, **GlobalSettings.load().repositories}
    context = MavenContext(repo_cache=target, remote_repos=repositories, timeout=60)

    def fetch(path: str) -> None:
        *group, name, version, _ = path.split("/")
        artifact = context.project(".".join(group), name).at_version(version).artifact()
        for attempts_left in (2, 1, 0):
            try:
                artifact.resolve()
                return
            except (
                OSError,
                RuntimeError,
            ):  # the network's errors are OSErrors; an answer other than 200 is not
                (target / path).unlink(
                    missing_ok=True
                )  # jgo would take what a cut connection left for the jar
                if not attempts_left:
                    raise

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(fetch, paths))


def _has_digest(path: Path, digest: str) -> bool:
    if not path.exists():
        return False
    with path.open("rb") as jar:
        return hashlib.file_digest(jar, "sha256").hexdigest() == digest
