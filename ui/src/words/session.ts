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
  back: "Back to signing in",

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
    title: "Choose a new password",
    help: "We send a letter with a link to this address.",
    send: "Send the letter",
    sending: "Sending…",
    sent: "Look into your mail",
    sentHelp: "If somebody signs in with this address, a letter with a link is on its way. It holds for 30 minutes.",
    failed: "The letter could not be asked for",
  },

  reset: {
    title: "Choose a new password",
    password: "New password",
    help: "Ten characters at least. You will be signed out everywhere.",
    save: "Save the password",
    saving: "Saving…",
    failed: "The password was not changed",
    expired: "This link holds no more",
    expiredHelp: "It was used already, or is older than 30 minutes.",
    again: "Ask for a new one",
    done: "Your password was changed",
    doneHelp: "Sign in with the new one.",
  },
};
