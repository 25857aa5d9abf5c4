import { Command } from 'commander';
import { applyCommand } from './commands/apply';
import { auditCommands } from './commands/audit';
import { deadLetterCommands } from './commands/dlq';
import { doctorCommand } from './commands/doctor';
import { encryptionCommands, tenantCommands } from './commands/encryption';
import { eventCommands } from './commands/events';
import { flowCommands } from './commands/flows';
import { laneCommands } from './commands/lanes';
import { migrateCommand } from './commands/migrate';
import { partitionsCommand } from './commands/partitions';
import { limitCommands } from './commands/limits';
import { parkedCommands, quotaCommand } from './commands/quotas';
import { keyCommands } from './commands/keys';
import { runCommands } from './commands/runs';
import { sendCommand } from './commands/send';
import { startCommand } from './commands/start';
import { tailCommand } from './commands/tail';
import { usageCommand } from './commands/usage';
import { userCommands } from './commands/users';

// What a command needs it loads when it runs: the whole platform takes seconds to load, the help should not.
export const program = new Command('spillway')
  .description('Takes webhooks in and gets the work behind them done.')
  .version('0.1.0')
  .showHelpAfterError()
  .addCommand(startCommand)
  .addCommand(migrateCommand)
  .addCommand(applyCommand)
  .addCommand(sendCommand)
  .addCommand(tailCommand)
  .addCommand(eventCommands)
  .addCommand(flowCommands)
  .addCommand(runCommands)
  .addCommand(limitCommands)
  .addCommand(deadLetterCommands)
  .addCommand(laneCommands)
  .addCommand(partitionsCommand)
  .addCommand(quotaCommand)
  .addCommand(parkedCommands)
  .addCommand(usageCommand)
  .addCommand(keyCommands)
  .addCommand(userCommands)
  .addCommand(auditCommands)
  .addCommand(encryptionCommands)
  .addCommand(tenantCommands)
  .addCommand(doctorCommand);

/**
 * Does what a command line asks for.
 *
 * @param args without the name of the program
 * @returns when it is done; a failure is told on stderr and sets the exit code
 */
export async function run(args: string[]): Promise<void> {
  try {
    await program.parseAsync(args, { from: 'user' });
  } catch (error) {
    const { describeFailure } = await import('@spillway/runtime');
    process.stderr.write(`spillway: ${describeFailure(error)}\n`);
    process.exitCode = 1;
  }
}
