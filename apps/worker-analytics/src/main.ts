import { runProcess } from '@spillway/runtime';
import { startWorker } from '@spillway/workers';

void runProcess('worker-analytics', (platform) => startWorker('worker-analytics', platform));
