import { runProcess } from '@spillway/runtime';
import { startWorker } from '@spillway/workers';

void runProcess('worker-orchestration', (platform) => startWorker('worker-orchestration', platform));
