import { performance } from 'node:perf_hooks';
import { cpuTime, eventLoop, memory } from './catalogue';
import { metrics } from './registry';

let utilization = performance.eventLoopUtilization();
let cpu = { user: 0, system: 0 };

metrics.beforeCollect(() => {
  const now = performance.eventLoopUtilization();
  eventLoop.set(performance.eventLoopUtilization(now, utilization).utilization);
  utilization = now;
  memory.set(process.memoryUsage.rss());
  const used = process.cpuUsage();
  cpuTime.add((used.user - cpu.user) / 1e6, 'user');
  cpuTime.add((used.system - cpu.system) / 1e6, 'system');
  cpu = used;
});
