/** How a Redis server stands, as its INFO says. */
export interface RedisServer {
  /** `host:port`, or what tells it from others. */
  node: string;
  usedBytes: number;
  /** Its `maxmemory`, or all the memory of its machine. */
  limitBytes: number;
  appendOnly: boolean;
  /** Whether it refuses writes rather than throw jobs away. */
  noEviction: boolean;
}

/** @param info the answer to INFO */
export function redisServer(node: string, info: string): RedisServer {
  const of = (field: string) => new RegExp(`^${field}:(\\S+)`, 'm').exec(info)?.[1];
  const limit = Number(of('maxmemory') ?? 0);
  return {
    node,
    usedBytes: Number(of('used_memory') ?? 0),
    limitBytes: limit > 0 ? limit : Number(of('total_system_memory') ?? 0),
    appendOnly: of('aof_enabled') === '1',
    noEviction: of('maxmemory_policy') === 'noeviction',
  };
}
