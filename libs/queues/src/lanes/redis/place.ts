import type { LanePlace, LanePolicy } from '../lane-store';

/** A place as the script takes it: the plain one is cheap, since most are. */
export function placeText(place: LanePlace | undefined): string {
  if (!place) return '';
  const { lane, key, weight = 1, cap } = place;
  if (key === undefined && weight === 1 && cap === undefined) return lane;
  return [lane, key ?? '', weight, cap ?? ''].join('\t');
}

export function policyText({ weight, cap }: LanePolicy): string {
  return `${weight}:${cap ?? ''}`;
}

export function policyOf(text: string): LanePolicy {
  const [weight, cap] = text.split(':');
  return { weight: Number(weight), ...(cap && { cap: Number(cap) }) };
}
