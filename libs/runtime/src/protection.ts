import type { Config } from '@spillway/config';
import { DataKeys, type Database, LocalMasterKeys, Vault } from '@spillway/persistence';
import { JobSigner } from '@spillway/queues';
import { Sealer } from '@spillway/tenancy';
import { sealingKey } from './local-key';

/** What keeps secrets, payloads and jobs from those who can read or write a database but have no key. */
export interface Protection {
  sealer: Sealer;
  keys: DataKeys;
  vault: Vault;
  signer?: JobSigner;
}

export function protectionOf(config: Config, database: Database): Protection {
  const first = sealingKey(config);
  const { encrypt, signJobs, otherKeys } = config.protection;
  const keys = new DataKeys(database.pool, new LocalMasterKeys(first, otherKeys));
  return {
    sealer: new Sealer(first, otherKeys),
    keys,
    vault: new Vault(keys, encrypt),
    ...(signJobs && { signer: new JobSigner([first, ...otherKeys]) }),
  };
}
