import type { LanePlace } from './lane-store';

/** What a job's options keep of its place, so that it finds its lane again when it comes back. */
export interface PlaceOptions {
  lane?: string;
  laneKey?: string;
}

export function placeOptions(place: LanePlace | undefined): PlaceOptions {
  if (!place) return {};
  return { lane: place.lane, ...(place.key !== undefined && { laneKey: place.key }) };
}

/** The place as a job's options have it. */
export function placeOf(opts: object): { lane: string; key?: string } | undefined {
  const { lane, laneKey } = opts as PlaceOptions;
  return lane === undefined ? undefined : { lane, ...(laneKey !== undefined && { key: laneKey }) };
}
