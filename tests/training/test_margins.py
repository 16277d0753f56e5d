import pytest
import torch

from labelscan.training.margins import HOST_FROM, TrainMargins


def test_margins_are_means_over_epochs_of_given_minus_largest_other_logit():
    mine = TrainMargins(3, torch.device("cpu"))
    for scale in (1.0, 3.0):
        mine.add(torch.tensor([2, 0]), scale * torch.tensor([[1.0, 4.0, 2.0], [0.0, 1.0, 5.0]]), torch.tensor([1, 0]))
        mine.add(torch.tensor([1]), scale * torch.tensor([[1.0, 1.0, 0.0]]), torch.tensor([0]))
        mine.end_epoch()
    torch.testing.assert_close(mine.mean(), torch.tensor([-10.0, 0.0, 4.0]))


def test_probabilities_are_geometric_means_over_later_epochs_whatever_the_order_of_the_batches():
    mine = TrainMargins(2, torch.device("cpu"), probs_from=1)
    mine.add(torch.tensor([1, 0]), torch.tensor([[5.0, -5.0], [5.0, -5.0]]), torch.tensor([0, 0]))
    mine.end_epoch()
    logits = torch.tensor([[0.0, 2.0], [1.0, -1.0]])
    mine.add(torch.tensor([0, 1]), logits, torch.tensor([0, 0]))
    mine.end_epoch()
    mine.add(torch.tensor([1]), 3 * logits[1:], torch.tensor([0]))
    mine.add(torch.tensor([0]), 3 * logits[:1], torch.tensor([0]))
    mine.end_epoch()
    geometric = (logits.softmax(1) * (3 * logits).softmax(1)).sqrt()
    expected = geometric / geometric.sum(1, keepdim=True)
    torch.testing.assert_close(mine.probs(), expected.half(), rtol=0, atol=2**-11)


def test_one_extreme_epoch_does_not_decide_the_probabilities():
    mine = TrainMargins(1, torch.device("cpu"))
    for logits in ([[1e4, -1e4]], [[0.0, 0.0]], [[-2.0, 2.0]], [[-9.0, 9.0]], [[-9.0, 9.0]]):
        mine.add(torch.tensor([0]), torch.tensor(logits), torch.tensor([0]))
        mine.end_epoch()
    assert mine.probs()[0, 1] > 0.9


def collected(n_classes, *, device="cpu", **kept):
    """Return what is collected from made-up logits of 500 examples, which another object resumes midway."""
    generator = torch.Generator().manual_seed(0)
    place = torch.device(device)
    mine = TrainMargins(500, place, probs_from=1, **kept)
    for epoch in range(3):
        for number, positions in enumerate(torch.randperm(500, generator=generator).split(32)):
            logits = 5 * torch.randn(len(positions), n_classes, generator=generator)
            labels = torch.randint(0, n_classes, (len(positions),), generator=generator)
            mine.add(positions.to(place), logits.to(place), labels.to(place))
            if (epoch, number) == (1, 5):
                mine, before = TrainMargins(500, place, probs_from=1, **kept), mine
                mine.restore(**before.state())
        mine.end_epoch()
    return mine


@pytest.mark.parametrize("waiting_bytes", [1, 40_000, 2**26])
def test_what_waits_for_its_copy_to_the_host_is_added_up_to_the_same(waiting_bytes):
    at_once = collected(100)
    waited = collected(100, host_from=1, waiting_bytes=waiting_bytes)
    assert torch.equal(waited.probs(), at_once.probs())
    assert torch.equal(waited.mean(), at_once.mean())


def test_only_so_much_waits_on_a_gpu_as_it_has_room_for():
    mine = TrainMargins(500, torch.device("cpu"), host_from=1, waiting_bytes=4 * 100 * 64)
    for start in range(0, 480, 32):
        mine.add(torch.arange(start, start + 32), torch.zeros(32, 100), torch.zeros(32, dtype=torch.int64))
        assert len(mine._waiting) < 2


def test_probabilities_of_many_examples_and_classes_are_made_for_the_host():
    few, many = (TrainMargins(n, torch.device("meta")) for n in (1000, 1_000_000))
    assert few._place(1000).type == "meta"
    assert many._place(1000).type == "cpu"


def test_probabilities_are_made_part_by_part_as_they_are_at_once():
    mine = collected(7)
    whole = mine.probs()
    assert whole.dtype == torch.float16
    assert torch.equal(mine.probs(at_a_time=33), whole)


@pytest.mark.gpu
@pytest.mark.parametrize("host_from", [1, HOST_FROM])
def test_probabilities_collected_on_a_gpu_agree_with_those_of_the_cpu(host_from):
    on_gpu, on_cpu = collected(100, device="cuda", host_from=host_from), collected(100)
    assert on_gpu.log_probs.device.type == ("cpu" if host_from == 1 else "cuda")
    torch.testing.assert_close(on_gpu.probs(), on_cpu.probs(), rtol=2**-9, atol=2**-11)
    torch.testing.assert_close(on_gpu.mean().cpu(), on_cpu.mean(), rtol=1e-5, atol=1e-5)
