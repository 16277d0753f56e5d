"""What workers on a Slurm cluster are given; ``pipeline.slurm`` submits them."""

from labelscan.registry import check_option
from labelscan.training.executors.local import LocalExecutor


class SlurmExecutor(LocalExecutor):
    """Workers as an array of Slurm jobs, each of which carries out shards until none is left.

    Args:
        partition: that jobs are sent to; empty is the cluster's own choice.
        workers: jobs of the array.
        minutes: that each may take; one whose time is over is queued again and goes on.
        gpus: of each worker.
        cpus: of each worker.
        memory: of each worker, in gigabytes; 0 is the cluster's own choice.
        account: that is charged; empty is the user's own.
        requeues: how often a job may run out of time.
        cluster: ``slurm``, or ``local`` for processes of this machine in its place, to try things.
    """

    def __init__(
        self,
        partition: str = "",
        workers: int = 4,
        minutes: int = 240,
        gpus: int = 1,
        cpus: int = 8,
        memory: int = 0,
        account: str = "",
        requeues: int = 20,
        cluster: str = "slurm",
    ) -> None:
        super().__init__()
        check_option(workers >= 1, workers, "workers", "at least 1")
        check_option(minutes >= 5, minutes, "minutes", "at least 5")
        check_option(gpus >= 0, gpus, "gpus", "at least 0")
        check_option(cpus >= 1, cpus, "cpus", "at least 1")
        self.workers, self.cluster, self.requeues = workers, cluster, requeues
        self.parameters = {
            "timeout_min": minutes,
            "cpus_per_task": cpus,
            **({"gpus_per_node": gpus} if gpus else {}),
            **({"mem_gb": memory} if memory else {}),
            **({"slurm_partition": partition} if partition else {}),
            **({"slurm_account": account} if account else {}),
            "slurm_signal_delay_s": 120,
        }
        """As submitit names them."""
