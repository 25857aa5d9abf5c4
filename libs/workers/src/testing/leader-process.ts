import { openDatabase } from '@spillway/persistence';
import { asLeader } from '../maintenance/leader';

/** Leads for as long as it runs: says "leads" when it begins. Arguments: the database, and the silence that is borne. */
const [, , url, silentMs] = process.argv as [string, string, string, string];
const lead = () =>
  new Promise(() => {
    process.stdout.write('leads\n');
    setInterval(() => undefined, 1_000);
  });
void asLeader(openDatabase(url, 2), lead, 'maintenance', Number(silentMs));
