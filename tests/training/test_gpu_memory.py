import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

import labelscan
from labelscan.pipeline.inputs import Contents
from labelscan.pipeline.run_folds import assign, fold_jobs, where_of
from labelscan.training import gpu_memory
from labelscan.training.device import Device
from labelscan.training.gpu_memory import SMALL_STEP, folds_per_gpu, resident_bytes, step_bytes
from labelscan.training.models.small_cnn import SmallCNN

GPU = Device("cuda:0", "bfloat16", one_of_all=True)
GIGABYTE = 2**30


def sharing(n_jobs=5, n_passes=10_000_000, step_bytes=20 * 2**20, n_probs=400_000):
    return folds_per_gpu(GPU, n_jobs, n_passes, step_bytes, n_probs)


def test_folds_of_small_networks_share_a_gpu_and_others_have_it_alone(machine):
    machine(80)
    assert sharing() == 5
    assert sharing(step_bytes=SMALL_STEP) == 5
    assert sharing(step_bytes=SMALL_STEP + 1) == 1
    assert sharing(step_bytes=math.inf) == 1
    assert sharing(n_passes=100_000) == 1


def test_a_gpu_is_shared_by_as_many_as_it_has_room_for(machine):
    machine(6)
    assert sharing(n_jobs=20) == 3
    assert sharing(n_jobs=20, n_probs=10**9) == 2  # what is more is added up on the host
    machine(1)
    assert sharing() == 1


def test_the_smallest_gpu_says_how_many_share_each(machine):
    machine(80, 6)
    assert sharing(n_jobs=20) == 3
    assert resident_bytes(GPU, 1) == 2 * GIGABYTE


def test_each_fold_on_a_gpu_has_a_core(machine):
    machine(80, cores=2)
    assert sharing() <= 2
    machine(80, 80, cores=4)
    assert sharing(n_jobs=20) == 2


@pytest.mark.parametrize(("n_jobs", "n_gpus", "expected"), [(1, 1, 1), (6, 1, 3), (5, 2, 3), (5, 8, 1), (25, 2, 5)])
def test_folds_come_in_rounds_of_nearly_the_same_size(machine, n_jobs, n_gpus, expected):
    machine(*n_gpus * [80])
    assert sharing(n_jobs=n_jobs) == expected


@pytest.mark.parametrize(
    ("models", "executor", "share", "expected"),
    [
        (("small-cnn",), "local", 1.0, 5),
        (("small-cnn", "extra-trees"), "local", 1.0, 5),
        (("extra-trees",), "local", 1.0, 1),
        (("small-cnn",), "ray", 1.0, 1),
        (("small-cnn",), "ray", 0.25, 4),
        (("small-cnn",), "ray:gpus_per_fold=0.5", 1.0, 2),
    ],
)
def test_networks_say_how_many_folds_share_a_gpu_and_on_a_cluster_the_settings(
    machine, models, executor, share, expected
):
    overrides = {"executor.gpus_per_fold": share, "device.name": "cpu"}
    settings = labelscan.settings(model=models, epochs=40, executor=executor, overrides=overrides)
    planned = labelscan.plan(np.zeros((9000, 8, 8), np.uint8), np.arange(9000) % 2, settings=settings)
    machine(80)
    assert replace(planned, device=GPU).folds_per_gpu == expected


def test_on_a_cpu_there_is_no_gpu_to_share():
    assert folds_per_gpu(Device("cpu"), 5, 10**9, 1, 1) == 1
    assert resident_bytes(Device("cpu"), 1) == 0


def test_what_a_step_keeps_grows_with_the_batch_and_is_none_of_the_weights():
    of_small = step_bytes(lambda: SmallCNN().make((32, 32, 3), 10), (32, 32, 3), 64)
    assert 64 * 32 * 32 * 3 * 4 < of_small < SMALL_STEP
    assert step_bytes(lambda: SmallCNN().make((32, 32, 3), 10), (32, 32, 3), 128) == 2 * of_small
    assert step_bytes(lambda: nn.Linear(1000, 1000), (1000,), 64) == 64 * 1000 * 4  # its inputs


def test_measuring_a_step_draws_nothing():
    torch.manual_seed(0)
    expected = torch.rand(3)
    torch.manual_seed(0)
    step_bytes(lambda: nn.Linear(3, 2), (3,), 4)
    assert torch.equal(torch.rand(3), expected)


def test_a_network_that_takes_other_inputs_cannot_be_measured():
    assert step_bytes(lambda: nn.Linear(4, 2), (3,), 4) == math.inf


def jobs_of(settings):
    """Return the jobs of the folds of a run, each with where it runs."""
    images, n = np.zeros((40, 8, 8), np.uint8), 40
    planned = labelscan.plan(images, np.arange(n) % 2, settings=settings)
    plan, contents = planned.plan, Contents(numbers=np.arange(n), fingerprint="")
    jobs = fold_jobs(plan, plan.members[0], contents, assign(plan, contents))
    return [(job, where_of(planned)(job)) for job in jobs]


def sharing_in(jobs):
    return {(where.folds_per_gpu, where.resident_bytes) for _, where in jobs}


def test_a_run_decides_once_how_its_folds_share_a_gpu(tmp_path, machine, monkeypatch):
    machine(30)
    monkeypatch.setattr(gpu_memory, "WORTH_SHARING", 100)
    settings = labelscan.settings(model="small-cnn", folds=4)
    assert sharing_in(jobs_of(settings)) == {(4, 2.5 * GIGABYTE)}
    large = jobs_of(labelscan.settings(model="resnet18", weights="none", folds=4))
    assert sharing_in(large) == {(1, 10 * GIGABYTE)}
    two = labelscan.settings(model="small-cnn", folds=4, overrides={"executor.processes": 2})
    assert sharing_in(jobs_of(two)) == {(2, 5 * GIGABYTE)}


def test_how_a_gpu_is_shared_makes_no_finished_fold_stale(tmp_path, machine, monkeypatch):
    shares, fingerprints = set(), set()
    for gigabytes, worth in ((30, 100), (80, 100), (80, 10**9)):
        machine(gigabytes)
        monkeypatch.setattr(gpu_memory, "WORTH_SHARING", worth)
        jobs = jobs_of(labelscan.settings(model="small-cnn"))
        shares |= sharing_in(jobs)
        fingerprints |= {(job.made_from, where.fingerprint) for job, where in jobs}
    assert len(shares) > 1
    assert len(fingerprints) == 1


def test_folds_of_several_gpus_share_none_and_are_others_than_those_of_one(tmp_path, machine, monkeypatch):
    machine(*4 * [30])
    monkeypatch.setattr(gpu_memory, "WORTH_SHARING", 100)
    folds = {
        n: jobs_of(labelscan.settings(model="small-cnn", overrides={"executor.gpus_per_fold": n}))
        for n in (0.5, 1, 2, 4)
    }
    assert {(n, where.n_processes, where.folds_per_gpu) for n, jobs in folds.items() for _, where in jobs} == {
        (0.5, 1, 2),
        (1, 1, 2),
        (2, 2, 1),
        (4, 4, 1),
    }
    prints = [{where.fingerprint for _, where in jobs} for jobs in folds.values()]
    assert prints[0] == prints[1]
    assert len(set.union(*prints)) == 3
    assert len({job.made_from for jobs in folds.values() for job, _ in jobs}) == 1
