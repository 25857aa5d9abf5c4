import { runProcess } from '@spillway/runtime';
import { startWorker } from '@spillway/workers';

void runProcess('worker-integration', (platform) => startWorker('worker-integration', platform));
