import { startSink } from '../../contestants/sink';

/** The third party of all contestants, in a process of its own, so that nobody is charged for it. */
async function main(): Promise<void> {
  process.send!({ url: await startSink() });
}

void main();
