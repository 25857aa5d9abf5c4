import { type Notify, PermanentError } from '@spillway/contracts';
import { compileTemplate } from '@spillway/jq';
import type { Channel } from '../channel';

type LogSpec = Extract<Notify, { channel: 'log' }>;

/** Writes a line into the worker's log: the channel that needs no account anywhere. */
export const logChannel: Channel<LogSpec> = {
  name: 'log',
  repeatable: true,
  async send(spec, { event, log }) {
    let text: string;
    try {
      const rendered = compileTemplate(spec.message).render(event);
      text = typeof rendered === 'string' ? rendered : JSON.stringify(rendered);
    } catch (cause) {
      throw new PermanentError(`the message is not a template: ${(cause as Error).message}`, {
        code: 'template-failed',
        cause,
      });
    }
    log.info({ channel: 'log' }, text);
    return { summary: text.slice(0, 500) };
  },
};
