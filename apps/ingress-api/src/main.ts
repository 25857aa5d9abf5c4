import { startIngress } from '@spillway/ingress';
import { runProcess } from '@spillway/runtime';

void runProcess('ingress-api', startIngress);
