import { startOperations } from '@spillway/operations';
import { runProcess } from '@spillway/runtime';

void runProcess('admin', startOperations);
