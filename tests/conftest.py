"""One thread for each test process: the suite runs one of them on each core, and threads that wait only burn time."""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("MKL_NUM_THREADS", "1")
