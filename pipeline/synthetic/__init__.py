"""A synthetic year of a support desk: seeded, documented, and with nothing real in it.

It is there to try the risk list, the report, the backtest and the emerging issues on data whose truth is known. No row
comes from a customer. Every row says `synthetic = yes`, and every id begins with `SYN-`.

The story. Three fifths of the customers are there when the year begins, the others come over it. Each has a language,
a plan with a yearly revenue, a preferred channel, an amount of use and a mood of their own. Satisfaction follows the
mood and drifts from day to day (an Ornstein-Uhlenbeck process); slow answers and unsolved tickets lower it, good
service raises it a little, and two incidents knock it down for many customers of one product at once: a fee taken
twice in the sixth month, and an update that breaks the app in the year's last two weeks.

Customers write the more the more they use the service and the newer they are, and only a little more when unhappy:
usage has nothing to do with satisfaction, so that the plain number of tickets says little of who will leave. What they
write does say it: topics and sentiment follow satisfaction. Each day some decide to leave, the unhappy far more often.
Three in five of them write that they leave. All go some days later, and open no ticket after that: only one already
open may still get a message. Others write that they leave, and stay.

The null world is the same but for one thing: who leaves, and when, is drawn at random, at the rate at which customers
leave in the same year with signal. Messages that announce leaving are written by the same kind of customer as often,
and mean nothing. Whatever predicts there who leaves is wrong.

`world` holds every constant with its unit; `topics.toml` and `incidents.toml` hold the topics and the incidents.

What it is not. The texts are the messages written for training Nabd's own models, so a text recurs many times in a
large year, and Nabd reads these texts better than it reads a stranger's: no accuracy of labels can be measured here.
The strength of every effect is invented: a backtest on it tests the backtest, not the customers of any company.

One row is one message. `status`, `resolution_minutes` and `csat` of a ticket stand in the row of its last message, as
they were known after it; its earlier rows are `open`. `first_response_minutes` stands in each of its rows, once there
was a response. `nps` stands in the first row of a quarter of those who answered. `churned_at` stands in every row.

`pipeline.synthetic.year.generate` makes it, `nabd synthetic` writes it.
"""
