"""Many workers over one run, killed at random and started again."""

import random
import threading
import time
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

from cut_off import ENDED, Attempts


@dataclass
class Crowd:
    """Workers that are started again until each has ended by itself.

    Args:
        arguments: their command.
        run: the run folder.
        n_workers: at a time.
        n_kills: of them, all together.
        seconds: the longest that one may live before it is killed.
    """

    arguments: list[str]
    run: Path
    n_workers: int
    n_kills: int
    seconds: float
    seed: int = 0
    codes: list[int] = field(default_factory=list)
    marks: dict[str, set[int]] = field(default_factory=lambda: defaultdict(set))
    """The files that each mark of a shard has been: more than one where it was finished more than once."""

    def work(self) -> None:
        draw, lock = random.Random(self.seed), threading.Lock()
        left = [self.n_kills]
        ended = threading.Event()

        def keep_working(number: int) -> None:
            attempts = Attempts([*self.arguments, "-o", str(self.run), "--worker"], self.run.parent / f"log-{number}")
            while True:
                with lock:
                    is_killed = left[0] > 0
                    left[0] -= is_killed
                    seconds = draw.uniform(0.5, self.seconds)
                code = attempts.run(seconds) if is_killed else attempts.run()
                self.codes.append(code)
                if code >= 0:
                    return

        def watch() -> None:
            while not ended.wait(0.05):
                for mark in self.run.glob("fold-*/DONE"):
                    self.marks[mark.parent.name].add(mark.stat().st_ino)

        workers = [threading.Thread(target=keep_working, args=[number]) for number in range(self.n_workers)]
        watcher = threading.Thread(target=watch)
        for thread in (*workers, watcher):
            thread.start()
        for thread in workers:
            thread.join()
        time.sleep(0.2)
        ended.set()
        watcher.join()

    @property
    def n_killed(self) -> int:
        return sum(code < 0 for code in self.codes)

    @property
    def all_ended(self) -> bool:
        return {code for code in self.codes if code >= 0} == {ENDED}
