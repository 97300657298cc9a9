/** What begins a relay, as docs/relay.md has it. The name and the address are to be replaced. */
export const relayCommands = {
  named: "relevo-relay init --name chat.example.org --dir /var/lib/relevo",
  network:
    "relevo-relay init --local --listen 0.0.0.0:8443 --address 192.168.1.20:8443 --dir /var/lib/relevo",
  serve: "relevo-relay serve --dir /var/lib/relevo",
} as const;
