"""Train the bundled encoder of categories: `python -m kdexplorer.training.vq_autoencoder OUT.safetensors`.

On random crops of the bundled training photos, all at one size. The codebook follows the latents by moving averages,
and words that nothing falls on are moved to latents of the batch (arXiv 1711.00937, appendix A).
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import Tensor

from kdexplorer.data.draws import generator
from kdexplorer.data.sources.photos import held_out_photos, load
from kdexplorer.distillation.vq_encoder import Decoder, VQEncoder, nearest_words

CROP, BATCH, RATE = 64, 16, 1e-3
COMMITMENT, DECAY = 0.25, 0.97
FREE = 0.2  # of the steps without a codebook: words are first taken from latents that mean something
DEAD = 0.03  # latents a step below which a word is moved


class Codebook:
    """Words that follow the latents that fall on them."""

    def __init__(self, words: Tensor) -> None:
        self.words = words
        self.counts = torch.ones(len(words))
        self.sums = words.clone()

    @torch.no_grad()
    def follow(self, latents: Tensor, chosen: Tensor, draws: torch.Generator) -> None:
        """`latents` [N, D], `chosen` int64 [N]."""
        hits = F.one_hot(chosen, len(self.words)).to(latents.dtype)
        self.counts.lerp_(hits.sum(dim=0), 1 - DECAY)
        self.sums.lerp_(hits.T @ latents, 1 - DECAY)
        dead = self.counts < DEAD
        if dead.any():
            pick = torch.randint(len(latents), (int(dead.sum()),), generator=draws)
            self.sums[dead], self.counts[dead] = latents[pick], 1.0
        self.words.copy_(self.sums / self.counts.clamp(min=1e-5)[:, None])


def train(steps: int, seed: int = 0, every: int = 250) -> VQEncoder:
    """Train for `steps`, telling the loss and how many words are in use."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        encoder, decoder = VQEncoder(), Decoder()
    photos = load({}, ())
    draws = generator("cpu", "codebook", seed)
    book: Codebook | None = None
    recent: list[Tensor] = []
    parameters = [*encoder.parameters(), *decoder.parameters()]
    optimizer = torch.optim.Adam(parameters, RATE)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps, RATE / 50)
    for step in range(steps):
        clean = photos.draw(BATCH, CROP, generator("cpu", "vq", seed, step)).contiguous(
            memory_format=torch.channels_last
        )
        z = encoder.latent(clean)
        flat = z.detach().permute(0, 2, 3, 1).reshape(-1, z.shape[1])
        if step < steps * FREE:
            recent = [*recent[-7:], flat]
            words = z.detach()
        else:
            if book is None:
                pool = torch.cat(recent)
                encoder.codebook.copy_(
                    pool[torch.randperm(len(pool), generator=draws)[: len(encoder.codebook)]]
                )
                book = Codebook(encoder.codebook)
            chosen = nearest_words(z.detach(), encoder.codebook)
            words = encoder.codebook[chosen].permute(0, 3, 1, 2)
            book.follow(flat, chosen.flatten(), draws)
        image = decoder(z + (words - z).detach())
        loss = F.l1_loss(image, clean) + COMMITMENT * F.mse_loss(z, words)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        schedule.step()
        if step % every == 0 or step == steps - 1:
            used = len(torch.unique(nearest_words(z.detach(), encoder.codebook))) if book else 0
            print(
                f"{step:6d}  L1 {F.l1_loss(image, clean).item():.4f}  words in the batch {used}", flush=True
            )
    for name, photo in held_out_photos():
        side = [length - length % 16 for length in photo.shape[1:]]
        clean = photo[None, :, : side[0], : side[1]].float() / 255
        with torch.no_grad():
            chosen = nearest_words(encoder.latent(clean), encoder.codebook)
            image = decoder(encoder.codebook[chosen].permute(0, 3, 1, 2))
        print(f"{name}: L1 {F.l1_loss(image, clean).item():.4f}, {len(torch.unique(chosen))} words")
    return encoder


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("out", type=Path)
    parser.add_argument("--steps", type=int, default=6000)
    options = parser.parse_args()
    encoder = train(options.steps)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    state = {key: value.half().contiguous() for key, value in encoder.state_dict().items()}
    save_file(state, options.out, metadata={"summary": f"VQ encoder, bundled photos, {options.steps} steps"})


if __name__ == "__main__":
    main()
