import type { RedisTarget } from './target';

/** What is wrong with a server, from its answer to INFO. */
export function versionWarnings(info: string): string[] {
  const found: string[] = [];
  const version = /^(?:valkey_version|redis_version):(\S+)/m.exec(info)?.[1] ?? '0';
  if (Number.parseInt(version, 10) < 7) found.push(`Redis ${version} is older than 7: upgrade it`);
  if (!/^aof_enabled:1/m.test(info)) {
    found.push('appendonly is off: an accepted event is lost when Redis crashes. Set "appendonly yes"');
  }
  const policy = /^maxmemory_policy:(\S+)/m.exec(info)?.[1];
  if (policy && policy !== 'noeviction') {
    found.push(`maxmemory-policy is ${policy}: Redis may throw jobs away. Set "maxmemory-policy noeviction"`);
  }
  return found;
}

/** What is wrong with primaries that may fail over. */
export function topologyWarnings(kind: RedisTarget['kind'], infos: string[], waitReplicas: number): string[] {
  if (kind === 'single') return [];
  const found: string[] = [];
  const alone = infos.filter((info) => /^connected_slaves:0/m.test(info)).length;
  if (alone > 0) found.push(`${alone} of ${infos.length} primaries have no replica: start one for each`);
  const most = Math.max(1, ...infos.map((info) => Number(/^connected_slaves:(\d+)/m.exec(info)?.[1] ?? 0)));
  if (waitReplicas === 0) {
    found.push('REDIS_WAIT_REPLICAS is 0: what a primary had not passed on is lost with it. Set REDIS_WAIT_REPLICAS=1');
  }
  if (waitReplicas > most) {
    found.push(
      `REDIS_WAIT_REPLICAS is ${waitReplicas}, and no primary has more than ${most} replicas: set it to ${most}`,
    );
  }
  return found;
}
