"""A worker process: reads jobs as JSON lines, trains them, writes progress and outcome as JSON lines.

Started as `python -m mixnas.search.worker`. It ends when its input ends, in the middle of a training, too: a driver or
a Ray actor that was killed leaves no worker behind. What libraries print goes to standard error, not into the answers.
"""

from __future__ import annotations

import json
import os
import queue
import sys
import threading
from typing import IO, Any

from mixnas.evaluators import load_evaluator, run
from mixnas.records import EpochRecord, job_from_dict, to_dict


def main() -> None:
    """Serves jobs until the input ends. An evaluator named as an argument is loaded before the first job comes."""
    answers = _own_output()
    for name in sys.argv[1:]:
        load_evaluator(name)
    jobs: queue.SimpleQueue[str] = queue.SimpleQueue()
    threading.Thread(target=_read, args=(jobs,), daemon=True).start()
    while True:
        _serve(json.loads(jobs.get()), answers)


def _read(jobs: queue.SimpleQueue[str]) -> None:
    """The thread that reads the input, so that its end is seen while a training runs."""
    for line in sys.stdin:
        jobs.put(line)
    os._exit(0)


def _serve(data: dict[str, Any], answers: IO[str]) -> None:
    job = job_from_dict(data)

    def report(record: EpochRecord) -> None:
        _answer(answers, {"epoch": to_dict(record)})

    measurement = run(job, report)
    _answer(answers, {"measurement": to_dict(measurement)})


def _answer(answers: IO[str], message: dict[str, Any]) -> None:
    try:
        answers.write(json.dumps(message) + "\n")
        answers.flush()
    except BrokenPipeError:
        os._exit(1)  # nobody reads any more: the driver is gone


def _own_output() -> IO[str]:
    """Keeps standard output for the answers and sends everything that libraries print to standard error."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return answers


if __name__ == "__main__":
    main()
