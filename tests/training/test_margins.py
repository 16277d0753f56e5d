import torch

from labelscan.training.margins import TrainMargins


def test_margins_are_means_over_epochs_of_given_minus_largest_other_logit():
    margins = TrainMargins(3, torch.device("cpu"))
    for scale in (1.0, 3.0):
        margins.add(
            torch.tensor([2, 0]), scale * torch.tensor([[1.0, 4.0, 2.0], [0.0, 1.0, 5.0]]), torch.tensor([1, 0])
        )
        margins.add(torch.tensor([1]), scale * torch.tensor([[1.0, 1.0, 0.0]]), torch.tensor([0]))
        margins.end_epoch()
    torch.testing.assert_close(margins.mean(), torch.tensor([-10.0, 0.0, 4.0]))


def test_probabilities_are_geometric_means_over_later_epochs_whatever_the_order_of_the_batches():
    margins = TrainMargins(2, torch.device("cpu"), probs_from=1)
    margins.add(torch.tensor([1, 0]), torch.tensor([[5.0, -5.0], [5.0, -5.0]]), torch.tensor([0, 0]))
    margins.end_epoch()
    logits = torch.tensor([[0.0, 2.0], [1.0, -1.0]])
    margins.add(torch.tensor([0, 1]), logits, torch.tensor([0, 0]))
    margins.end_epoch()
    margins.add(torch.tensor([1]), 3 * logits[1:], torch.tensor([0]))
    margins.add(torch.tensor([0]), 3 * logits[:1], torch.tensor([0]))
    margins.end_epoch()
    geometric = (logits.softmax(1) * (3 * logits).softmax(1)).sqrt()
    torch.testing.assert_close(margins.probs(), geometric / geometric.sum(1, keepdim=True))


def test_one_extreme_epoch_does_not_decide_the_probabilities():
    margins = TrainMargins(1, torch.device("cpu"))
    for logits in ([[1e4, -1e4]], [[0.0, 0.0]], [[-2.0, 2.0]], [[-9.0, 9.0]], [[-9.0, 9.0]]):
        margins.add(torch.tensor([0]), torch.tensor(logits), torch.tensor([0]))
        margins.end_epoch()
    assert margins.probs()[0, 1] > 0.9
