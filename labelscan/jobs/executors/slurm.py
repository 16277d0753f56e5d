"""What tasks on a Slurm cluster get; ``pipeline.slurm`` submits them."""

from labelscan.jobs.executors.local import LocalExecutor
from labelscan.registry import check_option


class SlurmExecutor(LocalExecutor):
    """An array of Slurm tasks through submitit, each of which runs one job of the run or a few.

    A self-check after the merge runs on the machine that merges, as with the local executor.

    Args:
        partition: that tasks are sent to; empty is the cluster's own choice.
        jobs_per_task: how many folds a task runs, one after another. Blocks of images, which take minutes and not
            hours, are shared evenly among as many tasks as may run at a time.
        at_once: how many tasks may run at a time.
        minutes: that each may take; one whose time is over is queued again and resumes.
        gpus: of each task.
        cpus: of each task.
        memory: of each task, in gigabytes; 0 is the cluster's own choice.
        account: that is charged; empty is the user's own.
        requeues: how often a task may run out of time.
        cluster: ``slurm``, or ``local`` for processes of this machine in its place, to try things.
        processes_per_fold: those that train a fold together.
    """

    def __init__(
        self,
        partition: str = "",
        jobs_per_task: int = 1,
        at_once: int = 16,
        minutes: int = 240,
        gpus: int = 1,
        cpus: int = 8,
        memory: int = 0,
        account: str = "",
        requeues: int = 20,
        cluster: str = "slurm",
        processes_per_fold: int = 1,
    ) -> None:
        super().__init__(processes_per_fold=processes_per_fold)
        check_option(jobs_per_task >= 1, jobs_per_task, "jobs_per_task", "at least 1")
        check_option(at_once >= 1, at_once, "at_once", "at least 1")
        check_option(minutes >= 5, minutes, "minutes", "at least 5")
        check_option(gpus >= 0, gpus, "gpus", "at least 0")
        check_option(cpus >= 1, cpus, "cpus", "at least 1")
        self.jobs_per_task, self.at_once, self.cluster, self.requeues = jobs_per_task, at_once, cluster, requeues
        self.parameters = {
            "timeout_min": minutes,
            "cpus_per_task": cpus,
            **({"gpus_per_node": gpus} if gpus else {}),
            **({"mem_gb": memory} if memory else {}),
            **({"slurm_partition": partition} if partition else {}),
            **({"slurm_account": account} if account else {}),
            "slurm_array_parallelism": at_once,
            "slurm_signal_delay_s": 120,
        }
        """As submitit names them."""

    @property
    def submits(self) -> bool:
        return True
