export interface EventLine {
  id: string;
  tenant: string;
  source: string;
  type: string;
  subject: string | null;
  state: string;
  acceptedAt: string;
}

/** An event in one line. */
export function lineOf(event: EventLine): string {
  const time = event.acceptedAt.slice(0, 23).replace('T', ' ');
  return `${time}  ${event.state.padEnd(11)} ${event.tenant}/${event.source}  ${event.type}  ${event.subject ?? ''}  ${event.id}`;
}
