"""labkit class workers: how other computers are made to grade."""

from __future__ import annotations

import click

from labkit.locale import _

PORT = 8786  # Dask's own

ROOM = """\
python - <<'END'
from signal import pause

from distributed import SSHCluster

cluster = SSHCluster(
    {hosts!r},  # the scheduler's, then a worker each
    scheduler_options={{"port": {port}}},
    worker_options={{"nthreads": 1, "resources": {{"lab": 1}}}},
    remote_python="{python}",
)
print(cluster.scheduler_address, "Ctrl-C ends it")
pause()
END
"""
SLURM = """\
python - <<'END'
from signal import pause

from dask_jobqueue import SLURMCluster

cluster = SLURMCluster(
    cores=1, processes=1, job_cpu=2, memory="4GB", walltime="04:00:00",
    python="{python}",
    worker_extra_args=["--resources", "lab=1"],
    scheduler_options={{"port": {port}}},
)
cluster.scale(jobs={jobs})
print(cluster.scheduler_address, "Ctrl-C ends it")
pause()
END
"""
PLAIN = """\
{python} -m distributed.cli.dask_scheduler --port {port}
{python} -m distributed.cli.dask_worker tcp://{first}:{port} --nworkers 1 --nthreads 1 \
--resources lab=1
"""


@click.command("workers")
@click.argument("hosts", nargs=-1, metavar="[HOST]...")
@click.option(
    "--slurm",
    default=0,
    metavar="JOBS",
    type=click.IntRange(0, 10_000),
    help="The commands for a Slurm cluster, with this many jobs.",
)
@click.option("--python", "interpreter", default="python3", show_default=True, metavar="PATH",
              help="Python with labkit on the other computers.")  # fmt: skip
def command(hosts: tuple[str, ...], slurm: int, interpreter: str) -> None:
    """Print the commands that make other computers grade: a room of PCs, or a Slurm cluster.

    Each needs the same labkit and course, pip install 'labkit[cluster]', a Docker Engine and the
    images. A worker is one lab at a time. Whoever reaches the scheduler can run what they like on
    all of them: only in a network of your own, or with Dask's TLS.
    """
    names = list(hosts) or ["pc01", "pc02", "pc03"]
    click.echo("# " + _("once, here and on every computer"))
    click.echo("pip install 'labkit[cluster]' " + ("dask-jobqueue" if slurm else "asyncssh"))
    click.echo("\n# " + _("one terminal: the scheduler and its workers"))
    if slurm:
        click.echo(SLURM.format(jobs=slurm, port=PORT, python=interpreter))
    else:
        click.echo(ROOM.format(hosts=[names[0], *names], port=PORT, python=interpreter))
        click.echo("# " + _("or by hand: the first line on one computer, the second on each"))
        click.echo(PLAIN.format(first=names[0], port=PORT, python=interpreter))
    click.echo("# " + _("in another terminal; if it is killed, the same command goes on"))
    where = "localhost" if slurm else names[0]
    click.echo(f"labkit class grade SUBMISSIONS --scheduler tcp://{where}:{PORT}")
