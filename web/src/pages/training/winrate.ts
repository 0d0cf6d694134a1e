// Reports of `parley eval winrate`, read with care: the files are the user's, and may be of another version.

export interface Pair {
  a: string;
  b: string;
  n: number;
  wins: number;
  ties: number;
  losses: number;
  rate: number;
  interval: [number, number] | null;
  controlled: number | null;
  controlledInterval: [number, number] | null;
  extrapolated: boolean;
  p: number | null;
}

export interface Report {
  run: string;
  judge: string;
  remarks: string;
  prompts: number | null;
  models: { name: string; length: number | null; rate: number | null }[];
  pairs: Pair[];
}

type Json = Record<string, unknown>;

const isObject = (value: unknown): value is Json => typeof value === "object" && value !== null && !Array.isArray(value);
const objects = (value: unknown): Json[] => (Array.isArray(value) ? value.filter(isObject) : []);
const number = (value: unknown): number | null =>
  typeof value === "number" && Number.isFinite(value) ? value : null;
const text = (value: unknown): string => (typeof value === "string" ? value : "");

function interval(value: unknown): [number, number] | null {
  if (!Array.isArray(value) || value.length !== 2) return null;
  const [low, high] = [number(value[0]), number(value[1])];
  return low === null || high === null ? null : [low, high];
}

export function readReport(json: unknown): Report | null {
  if (!isObject(json)) return null;
  const pairs = objects(json.pairs).flatMap((pair): Pair[] => {
    const rate = number(pair.win_rate);
    if (rate === null) return [];
    return [
      {
        a: text(pair.a),
        b: text(pair.b),
        n: number(pair.n) ?? 0,
        wins: number(pair.wins) ?? 0,
        ties: number(pair.ties) ?? 0,
        losses: number(pair.losses) ?? 0,
        rate,
        // With many ties the bootstrap's is the right one.
        interval: interval(pair.bootstrap_interval) ?? interval(pair.win_rate_interval),
        controlled: number(pair.length_controlled),
        controlledInterval: interval(pair.length_controlled_interval),
        extrapolated: pair.length_extrapolated === true,
        p: number(pair.sign_p),
      },
    ];
  });
  if (pairs.length === 0) return null;
  return {
    run: text(json.run),
    judge: text(json.judge),
    remarks: text(json.remarks),
    prompts: number(json.prompts),
    models: objects(json.models).map((model) => ({
      name: text(model.name),
      length: number(model.mean_length),
      rate: number(model.mean_win_rate),
    })),
    pairs,
  };
}

// Of B against A.
export function turned(pair: Pair): Pair {
  const turn = (range: [number, number] | null): [number, number] | null =>
    range && [1 - range[1], 1 - range[0]];
  return {
    ...pair,
    a: pair.b,
    b: pair.a,
    wins: pair.losses,
    losses: pair.wins,
    rate: 1 - pair.rate,
    interval: turn(pair.interval),
    controlled: pair.controlled === null ? null : 1 - pair.controlled,
    controlledInterval: turn(pair.controlledInterval),
  };
}
