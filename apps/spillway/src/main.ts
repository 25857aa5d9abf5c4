import { describeFailure } from '@spillway/runtime';
import { Command } from 'commander';
import { applyCommand } from './commands/apply';
import { deadLetterCommands } from './commands/dlq';
import { doctorCommand } from './commands/doctor';
import { eventCommands } from './commands/events';
import { sendCommand } from './commands/send';
import { startCommand } from './commands/start';
import { tailCommand } from './commands/tail';

const program = new Command('spillway')
  .description('Takes webhooks in and gets the work behind them done.')
  .version('0.1.0')
  .showHelpAfterError()
  .addCommand(startCommand)
  .addCommand(applyCommand)
  .addCommand(sendCommand)
  .addCommand(tailCommand)
  .addCommand(eventCommands)
  .addCommand(deadLetterCommands)
  .addCommand(doctorCommand);

program.parseAsync().catch((error: unknown) => {
  process.stderr.write(`spillway: ${describeFailure(error)}\n`);
  process.exitCode = 1;
});
