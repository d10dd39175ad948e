"""The fleet's own record and lock, which its core hosts keep: what is to run, what ran, who is at work.

Plain functions on what the module `fleet_record` reports of each core host. What a majority of them keeps survives the
loss of the others, and two majorities always share a host: so a record that one run wrote is seen by the next.
"""
