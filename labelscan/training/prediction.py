"""Predict examples with a network; which were held out of its training is the caller's affair."""

import torch
from torch import Tensor, nn

from labelscan.arrays import Index, PredProbs
from labelscan.errors import RunError
from labelscan.events import Listener, Waiting, ignore
from labelscan.training.batches import Batches
from labelscan.training.gpu_memory import is_out_of_memory

PREDICT_BATCH = 512


@torch.inference_mode()
def predict(network: nn.Module, batches: Batches, index: Index, notify: Listener = ignore) -> PredProbs:
    """Return (M, K) float32 probabilities of the rows ``index``, each the mean over slightly moved copies.

    ``notify`` receives ``Waiting`` after each batch.
    """
    network.eval()
    outputs_of, parts = InParts(network), list[Tensor]()
    for views in batches.views(torch.from_numpy(index), PREDICT_BATCH):
        with batches.device.autocast():
            probs = [outputs_of(view).float().softmax(dim=1) for view in views]
        parts.append(torch.stack(probs).mean(dim=0).cpu())
        notify(Waiting())
    return torch.cat(parts).numpy()


class InParts:
    """A network that computes each batch in as many parts as the memory of a GPU has made necessary so far."""

    def __init__(self, network: nn.Module) -> None:
        self._network, self._n_parts = network, 1

    def __call__(self, inputs: Tensor) -> Tensor:
        """Return (B, ...) outputs."""
        try:
            parts = inputs.tensor_split(max(1, min(self._n_parts, len(inputs))))  # one also of none
            return torch.cat([self._network(part) for part in parts])
        except RuntimeError as error:
            if self._n_parts >= len(inputs) or not is_out_of_memory(error):
                raise
        self._n_parts *= 2
        torch.cuda.empty_cache()  # outside of the block, where the error no longer keeps its tensors alive
        return self(inputs)


def check_logits(network: nn.Module, batches: Batches, n_classes: int) -> None:
    """Raise RunError unless the network returns (B, K) logits; a user's own network may return anything."""
    network.eval()
    # Not inference_mode: tensors that a network keeps from this pass could not be used in training.
    with torch.no_grad(), batches.device.autocast():
        first = next(next(batches.views(torch.arange(min(2, len(batches.inputs))), 2)))
        try:
            output = network(first)
        except (RuntimeError, ValueError, TypeError, AssertionError) as error:
            if is_out_of_memory(error):
                raise
            raise RunError(
                "wrong-model",
                f"the network cannot take inputs of shape {tuple(first.shape)} ({error})",
                where="model",
                hint="make one for (batch, channels, height, width), or set store.image_size"
                if batches.is_image
                else f"make one for (batch, {first.shape[1]})",
            ) from error
    if not isinstance(output, Tensor) or output.ndim != 2 or output.shape[1] != n_classes:
        got = tuple(output.shape) if isinstance(output, Tensor) else type(output).__name__
        raise RunError(
            "wrong-model",
            f"the network must return logits of shape (batch, {n_classes}), got {got}",
            where="model",
            hint="give its last layer one output for each class, and no softmax",
        )
