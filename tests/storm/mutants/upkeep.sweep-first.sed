# What a dead worker had put into the spool is not replayed before the sweep.
s/struct spool_replayed replayed;/struct spool_replayed replayed = { 0 };/
s/if (spool_replay(/if (0 \&\& spool_replay(/
