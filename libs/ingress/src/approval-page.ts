import type { Callback } from '@spillway/persistence';

const STYLE = `body{font:16px/1.5 system-ui,sans-serif;max-width:36rem;margin:3rem auto;padding:0 1rem;color:#1b1f24}
pre{background:#f3f4f6;padding:1rem;overflow:auto}label{display:block;margin:1rem 0}
input,textarea{width:100%;font:inherit;padding:.5rem;box-sizing:border-box}
button{font:inherit;padding:.5rem 1.5rem;margin-right:1rem;cursor:pointer}`;

interface Details {
  text?: string;
  details?: unknown;
}

/** The question, as the person who has the link sees it. Works without scripts. */
export function approvalPage({ title, details, expiresAt }: Callback): string {
  const { text, details: more } = (details ?? {}) as Details;
  const shown = more === undefined || more === null ? '' : `<pre>${escape(JSON.stringify(more, null, 2))}</pre>`;
  return page(
    title,
    `${text ? `<p>${escape(text)}</p>` : ''}${shown}
<form method="post"><label>Your name <input name="by" autocomplete="name" required maxlength="200"></label>
<label>Comment <textarea name="comment" rows="3" maxlength="5000"></textarea></label>
<button name="approved" value="true">Approve</button><button name="approved" value="false">Reject</button></form>
<p>Open until ${escape(expiresAt.toUTCString())}.</p>`,
  );
}

export function donePage({ title, answeredBy, answeredAt, answer }: Callback): string {
  const approved = (answer as { approved?: boolean } | null)?.approved;
  const what = approved ? 'Approved' : 'Rejected';
  return page(title, `<p>${what} by ${escape(answeredBy ?? '')}, ${escape(answeredAt?.toUTCString() ?? '')}.</p>`);
}

function page(title: string, body: string): string {
  return `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>${escape(title)}</title><style>${STYLE}</style><h1>${escape(title)}</h1>${body}</html>`;
}

function escape(text: string): string {
  return text.replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`);
}
