import { runProcess } from '@spillway/runtime';
import { startWorker } from '@spillway/workers';

void runProcess('worker-ingress', (platform) => startWorker('worker-ingress', platform));
