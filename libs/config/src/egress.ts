import type { Variables } from './variables';

const LOOPBACK = ['127.0.0.0/8', '::1'];
const LOCAL_NAME = /^(?:localhost|127(?:\.\d+){3}|\[?::1\]?)$/;

/**
 * A developer's own machine, where the demo and what is being built listen on loopback. Each of these alone could be
 * forgotten by who goes into production; nobody serves the outside with all of them.
 */
function isOneMachine(variables: Variables): boolean {
  const publicName = variables.PUBLIC_URL && new URL(variables.PUBLIC_URL).hostname;
  return (
    variables.NODE_ENV !== 'production' &&
    !variables.DATABASE_URL &&
    LOCAL_NAME.test(variables.HOST) &&
    (!publicName || LOCAL_NAME.test(publicName))
  );
}

/** Where calls to addresses that tenants gave may go. */
export function egressSettings(variables: Variables) {
  return {
    mode: variables.EGRESS,
    allow: [...variables.EGRESS_ALLOW, ...(isOneMachine(variables) ? LOOPBACK : [])],
  };
}
