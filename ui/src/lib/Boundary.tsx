import { Component, type ComponentType, type ReactNode } from "react";

interface Props {
  /** Where one is: what failed there need not fail elsewhere. */
  at: string;
  Failed: ComponentType<{ error: unknown }>;
  children: ReactNode;
}

interface State {
  at: string;
  error: unknown;
}

/** Shows what could not be drawn as what `Failed` makes of it, until another place is asked for. */
export class Boundary extends Component<Props, State> {
  override state: State = { at: this.props.at, error: null };

  static getDerivedStateFromError(error: unknown): Partial<State> {
    return { error: error ?? new Error("nothing was said") };
  }

  static getDerivedStateFromProps({ at }: Props, state: State): State | null {
    return at === state.at ? null : { at, error: null };
  }

  override render(): ReactNode {
    const { children, Failed } = this.props;
    return this.state.error === null ? children : <Failed error={this.state.error} />;
  }
}
