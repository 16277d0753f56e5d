"""Pipeline: joins the stages into a run; nothing else knows the order of all steps."""
