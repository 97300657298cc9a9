//! The lines between two durable states of a client, for the tests that end the process there.

kill_points::kill_points! {
    /// A line at which a test may end the process, in the order of an account's life.
    pub enum KillPoint {
        /// The key slots are on the disk, the database is not.
        KeySlotsMade = "key-slots-made",
        /// The database is there and empty.
        DatabaseMade = "database-made",
        /// The keys of the account are stored, nobody else knows of it.
        AccountStored = "account-stored",
        /// The wish to open a conversation is stored.
        IntentStored = "intent-stored",
        /// The relay made the account; this is not committed.
        RegisteredBeforeCommit = "registered-before-commit",
        /// The account is registered on both sides.
        RegisteredAfterCommit = "registered-after-commit",
        /// Key packages are made and not committed.
        KeyPackagesBeforeCommit = "key-packages-before-commit",
        /// The private keys of key packages are stored, the public ones have not left.
        KeyPackagesAfterCommit = "key-packages-after-commit",
        /// The relay answered with the key packages of a contact.
        Claimed = "claimed",
        /// The group is founded and not committed.
        FoundedBeforeCommit = "founded-before-commit",
        /// The group and the request for its conversation are stored, the request has not left.
        FoundedAfterCommit = "founded-after-commit",
        /// The relay made the conversation; the group is not merged.
        CreatedBeforeMerge = "created-before-merge",
        /// The group is merged and not committed.
        CreatedBeforeCommit = "created-before-commit",
        /// The conversation is established on both sides.
        CreatedAfterCommit = "created-after-commit",
        /// The relay knows a new link, this device has not kept it.
        LinkAnswered = "link-answered",
        /// The link is kept and nobody was told.
        LinkKept = "link-kept",
        /// The group of a welcome is joined and not committed.
        JoinedBeforeCommit = "joined-before-commit",
        /// What came to the inbox is committed and not acknowledged.
        InboxAfterCommit = "inbox-after-commit",
        /// A written message is not committed.
        TextBeforeCommit = "text-before-commit",
        /// A written message is committed, the person was not told.
        TextAfterCommit = "text-after-commit",
        /// Messages are sealed and not committed.
        SealedBeforeCommit = "sealed-before-commit",
        /// Sealed messages are committed and have not left.
        SealedAfterCommit = "sealed-after-commit",
        /// Frames have left for the relay, no answer has come.
        FramesWritten = "frames-written",
        /// The relay answered for sent messages; this is not committed.
        SentBeforeCommit = "sent-before-commit",
        /// Messages are counted as sent.
        SentAfterCommit = "sent-after-commit",
        /// Received entries are opened and not committed.
        ReceivedBeforeCommit = "received-before-commit",
        /// Received entries are committed and not acknowledged.
        ReceivedAfterCommit = "received-after-commit",
        /// Acknowledgements are on their way.
        Acknowledged = "acknowledged",
    }
}
