/** What is said in front of the door. */
export const sessionWords = {
  title: "Sign in",
  email: "Email",
  password: "Password",
  code: "Code",
  codeHelp: "From your authenticator app, or one of your recovery codes.",
  signIn: "Sign in",
  signingIn: "Signing in…",
  signOut: "Sign out",
  signOutFailed: "You are still signed in",
  wrong: "The email or the password is not right.",
  wrongWithCode: "The email, the password or the code is not right.",
  failed: "Signing in did not work",
  back: "Back to sign in",

  provider: {
    open: (name: string) => `Sign in with ${name}`,
    help: "For staff.",
    failed: "You were not signed in",
    why: {
      away: "The provider does not answer just now. Try again soon, or use your password.",
      refused: "The provider did not confirm who you are, or it took too long. Try again.",
      unknown: "No member of staff here has this address. Ask a colleague who runs this service.",
      not_allowed: "Your address, or your groups at the provider, may not sign in here.",
    },
  },

  forgot: {
    open: "Forgot your password?",
    title: "Forgot your password?",
    help: "We will email a link to this address.",
    send: "Email me a link",
    sending: "Sending…",
    sent: "Check your email",
    sentHelp:
      "If somebody signs in with this address, an email with a link is on its way. The link is valid for 30 minutes.",
    failed: "The link could not be requested",
  },

  reset: {
    title: "Choose a new password",
    password: "New password",
    help: "At least ten characters. You will be signed out everywhere.",
    save: "Save the password",
    saving: "Saving…",
    failed: "The password was not changed",
    expired: "This link is no longer valid",
    expiredHelp: "It was used already, or is older than 30 minutes.",
    again: "Request a new link",
    done: "Your password was changed",
    doneHelp: "Sign in with the new one.",
  },
};
