"""What the benchmark `live` is made of: servers in processes of their own, and subscribers that check all."""
