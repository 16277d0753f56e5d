import torch

from labelscan.margins import TrainMargins


def test_margins_are_means_over_epochs_of_given_minus_largest_other_logit():
    margins = TrainMargins(3, torch.device("cpu"))
    for scale in (1.0, 3.0):
        margins.add(
            torch.tensor([2, 0]), scale * torch.tensor([[1.0, 4.0, 2.0], [0.0, 1.0, 5.0]]), torch.tensor([1, 0])
        )
        margins.add(torch.tensor([1]), scale * torch.tensor([[1.0, 1.0, 0.0]]), torch.tensor([0]))
        margins.end_epoch()
    torch.testing.assert_close(margins.mean(), torch.tensor([-10.0, 0.0, 4.0]))
