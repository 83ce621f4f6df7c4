/** Chooses what lies behind the objects of a composed scene. */
import type { SceneBackground } from "../../media/compose.ts";
import type { Random } from "./random.ts";

/** A background with the tags it gives its scene. */
export interface Setting {
  readonly background: SceneBackground;
  readonly tags: readonly string[];
}

interface Land {
  readonly time: "day" | "sunset" | "night";
  readonly sky: readonly [string, string];
  readonly ground: readonly [string, string];
}

const LANDS: readonly Land[] = [
  {
    time: "day",
    sky: ["hsl(205,75%,76%)", "hsl(200,80%,92%)"],
    ground: ["hsl(105,45%,68%)", "hsl(100,42%,58%)"],
  },
  {
    time: "day",
    sky: ["hsl(200,80%,78%)", "hsl(195,85%,93%)"],
    ground: ["hsl(42,68%,82%)", "hsl(38,58%,72%)"],
  },
  {
    time: "day",
    sky: ["hsl(215,45%,80%)", "hsl(210,50%,92%)"],
    ground: ["hsl(205,40%,97%)", "hsl(210,32%,88%)"],
  },
  {
    time: "sunset",
    sky: ["hsl(265,42%,62%)", "hsl(22,90%,75%)"],
    ground: ["hsl(28,34%,50%)", "hsl(20,32%,40%)"],
  },
  {
    time: "sunset",
    sky: ["hsl(340,60%,72%)", "hsl(40,92%,80%)"],
    ground: ["hsl(95,28%,50%)", "hsl(100,28%,40%)"],
  },
  {
    time: "night",
    sky: ["hsl(232,48%,24%)", "hsl(228,40%,40%)"],
    ground: ["hsl(165,24%,32%)", "hsl(165,26%,25%)"],
  },
];

function pastel(random: Random): string {
  return `hsl(${random.between(0, 35) * 10},${random.between(35, 70)}%,${random.between(82, 92)}%)`;
}

function landscape(random: Random): Setting {
  const { time, sky, ground } = random.pick(LANDS);
  const horizon = random.between(42, 56) / 100;
  const star = (): [number, number] => [random.between(2, 98) / 100, (random.between(3, 90) / 100) * horizon];
  const stars = time === "night" ? Array.from({ length: random.between(14, 24) }, star) : [];
  return { background: { kind: "landscape", sky, ground, horizon, stars }, tags: ["outdoor", time] };
}

function gradient(random: Random): Setting {
  const hue = random.between(0, 35) * 10;
  const other = hue + random.between(-6, 6) * 10;
  return {
    background: {
      kind: "gradient",
      from: `hsl(${hue},65%,88%)`,
      to: `hsl(${(other + 360) % 360},55%,74%)`,
      diagonal: random.chance(50),
    },
    tags: ["studio"],
  };
}

function blobs(random: Random): Setting {
  const color = pastel(random);
  const blob = () => ({
    x: random.between(0, 100) / 100,
    y: random.between(0, 100) / 100,
    radius: random.between(14, 34) / 100,
    color: pastel(random),
  });
  return {
    background: { kind: "blobs", color, blobs: Array.from({ length: random.between(3, 6) }, blob) },
    tags: ["studio"],
  };
}

/** A background for a scene of `count` objects; crowded scenes get no horizon, which would not leave them room. */
export function chooseSetting(random: Random, count: number): Setting {
  const draw = random.between(0, 99);
  if (count <= 4 && draw < 45) return landscape(random);
  if (draw < 65) return gradient(random);
  if (draw < 80) return blobs(random);
  return { background: { kind: "plain", color: pastel(random) }, tags: ["studio"] };
}
