import { runProcess } from '@spillway/runtime';
import { startWorker } from '@spillway/workers';

void runProcess('worker-notifications', (platform) => startWorker('worker-notifications', platform));
